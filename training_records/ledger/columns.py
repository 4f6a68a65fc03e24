"""Columns of the ledger workbook: their titles in offices' sheets, and how the header is found."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from question_bank.clean import plain_width
from training_records.errors import Refused

# Field to (title in our template, other spellings), in the superior system's order.
COLUMNS: dict[str, tuple[str, tuple[str, ...]]] = {
    "role": ("登记类型", ("人员类型", "人员类别", "类型", "岗位")),
    "name": ("姓名", ("儿童主任姓名", "名字")),
    "identity_type": ("证件类型", ()),
    "identity": ("证件号码", ("身份证号", "身份证号码", "身份证", "证件号")),
    "gender": ("性别", ()),
    "birth_date": ("出生日期", ("出生年月", "出生年月日", "生日")),
    "ethnicity": ("民族", ()),
    "political_status": ("政治面貌", ()),
    "education": ("文化程度", ("学历",)),
    "marital_status": ("婚姻状况", ("婚姻",)),
    "health": ("健康状况", ("健康",)),
    "skills": ("特长", ()),
    "qualifications": ("取得证书", ("证书", "职业资格")),
    "workplace": ("工作单位", ("单位",)),
    "job_title": ("职务", ()),
    "other_titles": ("其他职务", ("兼任职务",)),
    "phone": ("手机号", ("手机", "手机号码", "联系电话", "联系方式", "电话", "移动电话")),
    "landline": ("座机号", ("座机", "固定电话", "办公电话")),
    "email": ("邮箱", ("电子邮箱", "邮件")),
    "full_time": ("是否专职", ("专职", "专兼职")),
    "purchased": ("是否政府购买服务", ("政府购买服务",)),
    "allowance": ("津贴", ("补助", "补贴", "补助标准")),
    "duties": ("职责范围", ("负责范围",)),
    "code": ("区划编码", ("区划代码", "行政区划代码", "行政区划编码", "村居代码", "统计代码")),
    "district": ("区（市）", ("区市", "区县", "县区", "区")),
    "town": ("镇（街）", ("镇街", "乡镇", "镇街道", "乡镇街道", "街道", "所属镇街")),
    "village": (
        "村/社区名称",
        ("村社区名称", "村社区", "村居", "村居名称", "村名", "村", "社区", "所在村居"),
    ),
    "practice": ("从业情况", ()),
    "experience": ("工作及培训经历", ("工作培训经历", "培训经历")),
    "claimed": ("是否认领", ("认领",)),
    "start": (
        "任职开始日期",
        (
            "任职起",
            "任职开始",
            "任职日期",
            "任职时间",
            "任职起始",
            "上岗时间",
            "任职时间起",
            "任职起止起",
        ),
    ),
    "end": ("任职结束日期", ("任职止", "任职结束", "离任日期", "任职时间止", "任职起止止")),
    "background_checked_on": ("入职查询日期", ("查询日期", "入职查询时间", "入职查询查询日期")),
    "background_result": ("入职查询结果", ("查询结果", "入职查询查询结果")),
    "background_next_due": (
        "下次查询到期日",
        ("下次查询日期", "查询到期日", "入职查询下次到期日", "下次到期日"),
    ),
    "children": ("辖区儿童数", ("儿童总数", "辖区儿童总数", "儿童数", "辖区儿童儿童数")),
    "caseload": (
        "留守困境儿童数",
        ("留守和困境儿童数", "留守困境儿童", "辖区儿童留守困境儿童数", "留守儿童和困境儿童数"),
    ),
}
IGNORED = ("序号", "编号", "备注", "no", "年龄")
HEADER_SEARCH = 20


def fold_title(value: object) -> str:
    """Normalises a header cell: without spaces, brackets and marks, so that spellings match."""
    if not isinstance(value, str):
        return ""
    text = plain_width(value).lower()
    text = re.sub(r"\((必填|选填|可不填|必填项|格式.*?|不超过.*?|以内.*?)\)", "", text)
    return re.sub(r"[\s\W_]+", "", text)


FIELDS = {
    fold_title(spelling): field
    for field, (title, others) in COLUMNS.items()
    for spelling in (title, *others)
}


@dataclass(frozen=True)
class Header:
    """`columns`: field to column index; `titles`: field to the title as written; `first`: index of the first row after
    the header; `unknown`: titles that match no field."""

    columns: dict[str, int]
    titles: dict[str, str]
    first: int
    unknown: tuple[str, ...] = ()


def find_header(
    rows: Sequence[Sequence[object]], mapping: Mapping[str, str] | None = None
) -> Header | None:
    """Finds the header among the first rows: one row, or two with a merged group title above. `mapping`: an office's
    own folded titles to fields ("" is ignored)."""
    known = {**FIELDS, **(mapping or {})}
    for index, row in enumerate(rows[:HEADER_SEARCH]):
        titles = [fold_title(cell) for cell in row]
        if sum(title in known for title in titles) < 3:
            continue
        below = [fold_title(cell) for cell in rows[index + 1]] if index + 1 < len(rows) else []
        is_double = _is_second_header(titles, below, known)
        group, columns, names, unknown = "", {}, {}, []
        for at, upper in enumerate(titles):
            group = upper or group
            second = below[at] if is_double and at < len(below) else ""
            field = _field(group, upper, second, fields=known)
            if field and field not in columns:
                columns[field] = at
                shown = rows[index + 1][at] if second else row[at]
                names[field] = str(shown).strip()
            elif not field and upper not in IGNORED and (second or upper):
                shown = rows[index + 1][at] if second else row[at]
                unknown.append(str(shown).strip())
        return Header(columns, names, index + (2 if is_double else 1), tuple(unknown))
    return None


def _is_second_header(titles: list[str], below: list[str], fields: Mapping[str, str]) -> bool:
    """Whether a row below the header names the parts of what the header groups."""
    filled = [(at, text) for at, text in enumerate(below) if text]
    if not filled:
        return False
    known = 0
    group = ""
    for at, upper in enumerate(titles):
        group = upper or group
        if at < len(below) and below[at] and (below[at] in fields or group + below[at] in fields):
            known += 1
    return known >= max(1, len(filled) - 1)


def _field(group: str, upper: str, second: str, *, fields: Mapping[str, str]) -> str | None:
    for title in (group + second if second else "", second, upper):
        if title and title not in IGNORED and title in fields:
            return fields[title]
    return None


def require_columns(header: Header | None) -> Header:
    """Returns the header. Raises `Refused`, naming the missing columns."""
    if header is None:
        raise Refused(
            "没有找到表头：前 20 行里至少要有“姓名”“手机号”“村/社区名称”等列名。可先下载模板，照着填"
        )
    missing = [COLUMNS[field][0] for field in ("name", "phone") if field not in header.columns]
    if not {"code", "village", "town"} & set(header.columns):
        missing.append("区划编码（或 村/社区名称）")
    if missing:
        raise Refused(f"表里缺少这些列：{'、'.join(missing)}。请补上列名再导入")
    return header
