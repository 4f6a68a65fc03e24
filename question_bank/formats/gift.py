"""GIFT, Moodle's plain-text format.

The syntax is that of Moodle's documentation, "GIFT format": ``::title:: stem {answers}``, ``=`` right,
``~`` wrong, ``%n%`` weight, ``#`` feedback, ``####`` general feedback, ``->`` match, ``{#n:t}`` number,
``$CATEGORY``, ``//`` comment, backslash escapes for ``~ = # { } :`` and ``\\n``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from question_bank.formats.exchange import (
    Draft,
    Exchange,
    Skipped,
    Unrepresentable,
    choice,
    decode,
    fractions_of,
    match_of,
    meta,
    name_of,
    pairs_of,
    percent,
    written,
)
from question_bank.question import BLANK, Fill, Multiple, Question, Single

_FORMAT = re.compile(r"^\s*\[(html|moodle|plain|markdown)\]\s*", re.I)
_WEIGHT = re.compile(r"^\s*%\s*(-?\d{1,3}(?:\.\d{1,7})?)\s*%")
_NUMBER = r"[-+]?\d{1,15}(?:\.\d{1,15})?"
_RANGE = re.compile(rf"^\s*({_NUMBER})\s*(?:(\.\.|:)\s*({_NUMBER})\s*)?$")
_ESCAPED = re.compile(r"\\([~=#{}:\\n])", re.S)
# Escaped characters are mapped to the private use area during parsing.
_HOLD = {c: chr(0xE100 + i) for i, c in enumerate("~=#{}:\\n")}
_BACK = {v: "\n" if k == "n" else k for k, v in _HOLD.items()}


@dataclass
class _Answer:
    """One answer: its sign (``=`` is right), weight as a share or None, text, feedback."""

    right: bool
    weight: float | None
    text: str
    feedback: str


def read(data: bytes) -> Exchange:
    """Reads the questions of a GIFT file."""
    result = Exchange()
    category = ""
    for line, block in _blocks(decode(data)):
        rows = []
        for row in block.split("\n"):
            if row.lstrip().upper().startswith("$CATEGORY:"):
                category = _plain(_hold(row.split(":", 1)[1]))
            else:
                rows.append(row)
        text = "\n".join(rows).strip()
        if not text:
            continue
        where = f"第 {line} 行"
        title, body = _title(_hold(text))
        try:
            fields = _question(body)
        except Unrepresentable as reason:
            result.skip(where, title or _plain(body)[:40], str(reason))
            continue
        fields |= meta(title, category)
        result.add(where, title or str(fields["stem"]), fields)
    return result


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    """Yields (first line, text) of each question: blocks separated by blank lines, without comments.

    A blank line inside braces does not end a question.
    """
    rows: list[str] = []
    start, depth = 1, 0
    for number, row in enumerate(text.split("\n"), start=1):
        if row.lstrip().startswith("//"):
            continue
        if not row.strip() and depth <= 0:
            if rows:
                yield start, "\n".join(rows)
            rows, depth = [], 0
            continue
        if not rows:
            start = number
        rows.append(row)
        bare = _ESCAPED.sub("", row)
        depth += bare.count("{") - bare.count("}")
    if rows:
        yield start, "\n".join(rows)


def _hold(text: str) -> str:
    return _ESCAPED.sub(lambda m: _HOLD[m[1]], text)


def _plain(text: str) -> str:
    return "".join(_BACK.get(c, c) for c in text).strip()


def _title(text: str) -> tuple[str, str]:
    if text.startswith("::"):
        end = text.find("::", 2)
        if end > 0:
            return _plain(text[2:end]), text[end + 2 :].strip()
    return "", text


def _question(body: str) -> Draft:
    marked = _FORMAT.match(body)
    html = bool(marked and marked[1].lower() == "html")
    body = body[marked.end() :] if marked else body
    if body.count("{") != body.count("}") or body.count("{") > 1:
        if "{" not in body:
            raise Unrepresentable("花括号不成对")
        raise Unrepresentable("有几组花括号，或花括号不成对")
    if "{" not in body:
        raise Unrepresentable("只有说明文字，没有答案，不是题")
    before, _, from_brace = body.partition("{")
    inner, _, after = from_brace.partition("}")
    stem = _plain(before)
    if after.strip():
        stem = f"{stem} {BLANK} {_plain(after)}".strip()
    inner, general = _general(inner)
    return {"stem": stem} | meta(html=html, explanation=general) | _answers(inner)


def _general(inner: str) -> tuple[str, str]:
    before, mark, general = inner.partition("####")
    return before, _plain(general) if mark else ""


def _answers(inner: str) -> Draft:
    text = inner.strip()
    if not text:
        return {"type": "short_answer", "key": ""}
    head, *feedback_texts = text.split("#")
    if head.strip().upper() in ("T", "TRUE", "F", "FALSE"):
        key = head.strip().upper().startswith("T")
        wrong, right = [*(_plain(s) for s in feedback_texts[:2]), "", ""][:2]
        feedback = {str(key).lower(): right, str(not key).lower(): wrong}
        feedback = {label: message for label, message in feedback.items() if message}
        return {"type": "true_false", "key": key} | ({"feedback": feedback} if feedback else {})
    if text.startswith("#"):
        return _numerical(text[1:])
    answers = list(_split(text))
    if all(a.right for a in answers) and all("->" in a.text for a in answers):
        return _match(answers)
    if any(not a.right for a in answers):
        return _choice(answers)
    return _written(answers)


def _split(text: str) -> Iterator[_Answer]:
    marks = [m.start() for m in re.finditer(r"[=~]", text)]
    if not marks or text[: marks[0]].strip():
        raise Unrepresentable("答案前面少了 = 或 ~")
    for start, end in zip(marks, [*marks[1:], len(text)], strict=True):
        piece = text[start + 1 : end]
        weight = _WEIGHT.match(piece)
        share = float(weight[1]) / 100 if weight else None
        if weight and abs(share or 0) > 1:
            raise Unrepresentable(f"权重 {weight[1]}% 超过 100%")
        answer, _, feedback = piece[weight.end() if weight else 0 :].partition("#")
        yield _Answer(text[start] == "=", share, answer, _plain(feedback))


def _choice(answers: Sequence[_Answer]) -> Draft:
    texts = [_option(a.text) for a in answers]
    feedback = [a.feedback for a in answers]
    shares = [a.weight if a.weight is not None else float(a.right) for a in answers]
    single = any(a.right for a in answers) or sum(s > 0 for s in shares) < 2
    return choice(texts, shares, feedback, single=single)


def _option(text: str) -> str:
    return _plain(_FORMAT.sub("", text))


def _match(answers: Sequence[_Answer]) -> Draft:
    pairs = [tuple(_option(p) for p in a.text.split("->", 1)) for a in answers]
    if any(a.feedback or a.weight is not None for a in answers):
        raise Unrepresentable("配对题的某一项有权重或反馈")
    return match_of(pairs)


def _written(answers: Sequence[_Answer]) -> Draft:
    if any(a.feedback for a in answers):
        raise Unrepresentable("填空题的某个答案有自己的反馈")
    full = [_option(a.text) for a in answers if a.weight in (None, 1.0)]
    partly = {_option(a.text): a.weight for a in answers if a.weight not in (None, 1.0)}
    if not full or not all(full):
        raise Unrepresentable("填空题没有满分答案")
    return {"type": "fill", "key": [full]} | ({"credit": [partly]} if partly else {})


def _numerical(text: str) -> Draft:
    pieces = (
        [text] if not re.search(r"^\s*=", text) else [a for a in re.split("=", text) if a.strip()]
    )
    if len(pieces) != 1 or "%" in pieces[0] or "#" in pieces[0]:
        raise Unrepresentable("数值题有几个答案、权重或反馈")
    match = _RANGE.match(pieces[0])
    if not match:
        raise Unrepresentable("数值题的答案不是数")
    first = float(match[1])
    if match[2] == "..":
        low, high = first, float(match[3])
        key = f"{(low + high) / 2:.12g}"
    else:
        tolerance = float(match[3]) if match[2] else 0.0
        low, high, key = first - tolerance, first + tolerance, match[1].lstrip("+")
    if low > high:
        raise Unrepresentable("数值范围的下限大于上限")
    return {"type": "fill", "key": [[key]], "ranges": [[low, high]]}


def write(questions: Sequence[Question]) -> tuple[bytes, list[Skipped]]:
    """Returns (a GIFT file, questions it can't represent)."""
    blocks: list[str] = []
    skipped: list[Skipped] = []
    category = ""
    for _, question, block in written(questions, _block, skipped):
        if question.category != category:
            category = question.category
            blocks.append(f"$CATEGORY: {_escape(category)}")
        blocks.append(block)
    return ("\n\n".join(blocks) + "\n" if blocks else "").encode(), skipped


def _escape(text: str) -> str:
    escaped = re.sub(r"([~=#{}:\\])", r"\\\1", text)
    return escaped.replace("\n", "\\n")


def _block(question: Question) -> str:
    if question.files:
        raise Unrepresentable("GIFT 放不下图片文件")
    inner = _inner(question)
    if question.explanation:
        inner += f"\n####{_escape(question.explanation)}"
    mark = "[html]" if question.html else ""
    return f"::{_escape(name_of(question))}::{mark}{_escape(question.stem)} {{{inner}\n}}"


def _inner(question: Question) -> str:
    if question.type == "true_false":
        key, feedback = str(question.key), question.feedback
        wrong, right = (feedback.get(str(v).lower(), "") for v in (not question.key, question.key))
        if wrong or right:
            return f"{key.upper()}#{_escape(wrong)}#{_escape(right)}"
        return key.upper()
    if question.type in ("single", "multiple"):
        return "".join(_line(question, k, v) for k, v in question.options.items())
    if question.type == "match":
        return "".join(
            f"\n={_escape(left)} -> {_escape(right)}" for left, right in pairs_of(question)
        )
    if question.type == "fill" and len(question.key) == 1:
        return _fill(question)
    if question.type == "short_answer":
        return ""
    raise Unrepresentable(
        {"fill": "GIFT 一题只能有一个空", "order": "GIFT 没有排序题", "case": "GIFT 没有案例题"}[
            question.type
        ]
    )


def _line(question: Single | Multiple, label: str, text: str) -> str:
    share = fractions_of(question)[label]
    right = question.type == "single" and label == question.key
    weight = "" if right or share == 0 else f"%{percent(share)}%"
    feedback = question.feedback.get(label, "")
    suffix = f"#{_escape(feedback)}" if feedback else ""
    return f"\n{'=' if right else '~'}{weight}{_escape(text)}{suffix}"


def _fill(question: Fill) -> str:
    if question.ranges and question.ranges[0] is not None:
        low, high = question.ranges[0]
        if (question.credit and question.credit[0]) or len(question.key[0]) > 1:
            raise Unrepresentable("数值题还有别的写法")
        return f"#{low:.15g}..{high:.15g}"
    lines = [f"\n={_escape(text)}" for text in question.key[0]]
    for text, share in question.credit[0].items() if question.credit else ():
        lines.append(f"\n=%{percent(share)}%{_escape(text)}")
    return "".join(lines)
