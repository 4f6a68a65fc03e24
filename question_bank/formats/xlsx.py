"""The Excel template that teachers fill in: one row per question.

Columns are found by their headings, in any order. 单选 and 多选: options in A–F, 答案 ``B`` or ``AC``; 判断:
``对`` or ``错``; 填空: blanks separated by ``;``, spellings by ``|``; 排序: options in the order shown, 答案
``CAB``; 配对: each option ``左=>右``, a distractor on the right ``=>右``.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Sequence

import xlsxwriter
from python_calamine import CalamineWorkbook

from question_bank.formats.exchange import (
    LIMIT,
    Draft,
    Exchange,
    Skipped,
    Unrepresentable,
    labelled,
    match_of,
    meta,
    pairs_of,
    written,
)
from question_bank.question import Match, Question, options_of

OPTIONS = tuple("ABCDEF")
HEADS = (
    *("题型", "题干", *OPTIONS, "答案", "讲解", "主题", "层次"),
    *("出处", "知识库", "难度", "名称", "目录"),
)
KINDS = {
    "单选": "single",
    "多选": "multiple",
    "判断": "true_false",
    "填空": "fill",
    "排序": "order",
    "配对": "match",
    "简答": "short_answer",
}
WORDS = {v: k for k, v in KINDS.items()}
LEVELS = {"识记": "remember", "理解": "understand", "应用": "apply"}
LEVEL_WORDS = {v: k for k, v in LEVELS.items()}
TRUE, FALSE = {"对", "正确", "是", "√", "T", "TRUE"}, {"错", "错误", "否", "×", "F", "FALSE"}
MAX_ROWS = 20_000
_REFERENCE = re.compile(rb"[\s:\"]([A-Za-z]{1,12})(\d{1,20})[:\"]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]")


def read(data: bytes) -> Exchange:
    """Reads the questions of the first sheet of a workbook. Raises `Unrepresentable` for any other file."""
    _refuse_huge(data)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        rows = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException:  # a panic in the Rust reader derives from BaseException only
        raise Unrepresentable("不是能读的 Excel 文件（.xlsx）") from None
    result = Exchange()
    columns: dict[str, int] = {}
    for number, cells in enumerate(rows, start=1):
        texts = [_cell(c) for c in cells]
        if not columns:
            if "题型" in texts and "题干" in texts:
                columns = {text: i for i, text in enumerate(texts) if text in HEADS}
            continue
        row = {head: texts[i] if i < len(texts) else "" for head, i in columns.items()}
        if not any(row.values()):
            continue
        _row(result, f"第 {number} 行", row)
    if not columns:
        raise Unrepresentable("没有找到表头：要有“题型”和“题干”两列")
    return result


def _refuse_huge(data: bytes) -> None:
    """Refuses workbooks that are too large, or whose cell references lie too far out, before they are
    opened: the reader allocates every cell up to the last one."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            entries = book.infolist()
            if len(entries) > 2000 or sum(e.file_size for e in entries) > LIMIT:
                raise Unrepresentable("表格解开后太大，请拆开再导入")
            sheets = [book.read(e) for e in entries if "worksheets/" in e.filename]
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, ValueError, EOFError) as error:
        raise Unrepresentable(f"不是能读的 Excel 文件（.xlsx）：{type(error).__name__}") from None
    except NotImplementedError:
        raise Unrepresentable("不是能读的 Excel 文件（.xlsx）") from None
    for sheet in sheets:
        for letters, digits in _REFERENCE.findall(sheet):
            if len(letters) > 2 or int(digits[:9] or 0) > MAX_ROWS:
                raise Unrepresentable(f"表格超出 {MAX_ROWS} 行或 ZZ 列，请只留下题目")


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "对" if value else "错"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _row(result: Exchange, where: str, row: dict[str, str]) -> None:
    name = row.get("名称") or row.get("题干", "")
    kind = KINDS.get(row.get("题型", "").removesuffix("题"))
    if kind is None:
        result.skip(where, name, f"题型“{row.get('题型', '')}”不认识，要写{'、'.join(KINDS)}之一")
        return
    try:
        data: Draft = {"stem": row.get("题干", ""), **_ANSWERS[kind](row)}
        data |= meta(row.get("名称", ""), row.get("目录", ""))
        facility = row.get("难度", "")
        if facility:
            data["facility"] = float(facility)
        level = row.get("层次", "")
        if level:
            data["level"] = LEVELS[level]
    except (Unrepresentable, ValueError) as reason:
        text = str(reason) if isinstance(reason, Unrepresentable) else "难度要是 0 到 1 之间的数"
        result.skip(where, name, text)
        return
    except KeyError:
        result.skip(where, name, f"层次要写{'、'.join(LEVELS)}之一")
        return
    for head, field in (
        ("讲解", "explanation"),
        ("主题", "topic"),
        ("出处", "source"),
        ("知识库", "kb"),
    ):
        if row.get(head):
            data[field] = row[head]
    result.add(where, name, data)


def _options(row: dict[str, str]) -> dict[str, str]:
    texts = [row.get(label, "") for label in OPTIONS]
    while texts and not texts[-1]:
        texts.pop()
    if not all(texts):
        raise Unrepresentable("选项中间有空格子，请依次填 A、B、C……")
    return labelled(texts)


def _letters(row: dict[str, str]) -> list[str]:
    letters = re.sub(r"[\s,，、;；]", "", row.get("答案", "")).upper()
    if not letters or not re.fullmatch(r"[A-F]+", letters):
        raise Unrepresentable("答案要写选项的字母，例如 B 或 AC")
    return list(letters)


def _single(row: dict[str, str]) -> Draft:
    letters = _letters(row)
    if len(letters) != 1:
        raise Unrepresentable("单选题的答案只能有一个字母")
    return {"type": "single", "options": _options(row), "key": letters[0]}


def _true_false(row: dict[str, str]) -> Draft:
    answer = row.get("答案", "").upper()
    if answer not in TRUE | FALSE:
        raise Unrepresentable("判断题的答案要写“对”或“错”")
    return {"type": "true_false", "key": answer in TRUE}


def _fill(row: dict[str, str]) -> Draft:
    blanks = [b.split("|") for b in re.split("[;；]", row.get("答案", ""))]
    key = [[s.strip() for s in blank if s.strip()] for blank in blanks]
    if not all(key):
        raise Unrepresentable("填空题的答案有空着的，几个空用“；”隔开")
    return {"type": "fill", "key": key}


def _match(row: dict[str, str]) -> Draft:
    pairs = []
    for text in _options(row).values():
        left, arrow, right = text.partition("=>")
        if not arrow:
            raise Unrepresentable("配对题的每一格要写成“左=>右”")
        pairs.append((left.strip(), right.strip()))
    return match_of(pairs)


_ANSWERS: dict[str, Callable[[dict[str, str]], Draft]] = {
    "single": _single,
    "multiple": lambda row: {"type": "multiple", "options": _options(row), "key": _letters(row)},
    "true_false": _true_false,
    "fill": _fill,
    "order": lambda row: {"type": "order", "options": _options(row), "key": _letters(row)},
    "match": _match,
    "short_answer": lambda row: {"type": "short_answer", "key": row.get("答案", "")},
}


def write(questions: Sequence[Question]) -> tuple[bytes, list[Skipped]]:
    """Returns (a workbook with the template's columns, questions it can't represent).

    Without questions it is the empty template.
    """
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False})
    sheet = book.add_worksheet("题目")
    head = book.add_format({"bold": True, "border": 1, "bg_color": "#e3f2f0", "text_wrap": True})
    body = book.add_format({"border": 1, "text_wrap": True, "valign": "top"})
    for column, text in enumerate(HEADS):
        sheet.write_string(0, column, text, head)
        sheet.set_column(
            column, column, {"题干": 48, "讲解": 40}.get(text, 18 if text in OPTIONS else 10)
        )
    sheet.freeze_panes(1, 2)
    sheet.data_validation(1, 0, 2000, 0, {"validate": "list", "source": list(KINDS)})
    sheet.data_validation(
        1,
        HEADS.index("层次"),
        2000,
        HEADS.index("层次"),
        {"validate": "list", "source": list(LEVELS)},
    )
    skipped: list[Skipped] = []
    rows = written(questions, _cells, skipped)
    for number, (_, _, row) in enumerate(rows, start=1):
        for column, name in enumerate(HEADS):
            sheet.write_string(number, column, row.get(name, ""), body)
    book.close()
    return out.getvalue(), skipped


def _cells(question: Question) -> dict[str, str]:
    if question.type == "case":
        raise Unrepresentable("模板放不下案例题")
    weighted = question.type in ("single", "multiple") and question.weights
    if weighted or question.feedback or question.html or question.files:
        raise Unrepresentable("模板放不下权重、选项反馈、网页格式和图片")
    row = {"题型": WORDS[question.type], "题干": question.stem, "讲解": question.explanation}
    row |= {"主题": question.topic, "出处": question.source, "知识库": question.kb}
    row |= {"名称": question.title, "目录": question.category}
    row["层次"] = LEVEL_WORDS.get(question.level or "", "")
    row["难度"] = "" if question.facility is None else f"{question.facility:.15g}"
    options = list(options_of(question).values())
    if question.type == "match":
        options = _pairs(question)
    if len(options) > len(OPTIONS):
        raise Unrepresentable(f"模板最多放 {len(OPTIONS)} 个选项")
    row |= dict(zip(OPTIONS, options, strict=False))
    row["答案"] = _key(question)
    if any(text != text.strip() or _CONTROL.search(text) for text in row.values()):
        raise Unrepresentable("文字两头有空格，或有 Excel 放不下的控制字符")
    if any(len(text) > 32_000 for text in row.values()):
        raise Unrepresentable("文字太长，一格放不下")
    return row


def _pairs(question: Match) -> list[str]:
    pairs = pairs_of(question)
    if any("=>" in text for pair in pairs for text in pair):
        raise Unrepresentable("配对题的文字里有“=>”")
    return [f"{left}=>{right}" for left, right in pairs]


def _key(question: Question) -> str:
    if question.type == "true_false":
        return "对" if question.key else "错"
    if question.type == "fill":
        if any(question.ranges) or any(question.credit):
            raise Unrepresentable("模板放不下数值范围和部分得分")
        if any(re.search("[;；|]", s) or s != s.strip() for blank in question.key for s in blank):
            raise Unrepresentable("填空答案里有“；”或“|”")
        return "；".join("|".join(blank) for blank in question.key)
    if question.type == "match" or question.type == "case":
        return ""
    return "".join(question.key)
