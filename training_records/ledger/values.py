"""Parsers of cells as offices type them; the message of a `ValueError` is Chinese and says what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from operator import mul

from question_bank.clean import clean_number, clean_phone, plain_width
from training_records.ledger.checks import read_result, result_label
from training_records.ledger.models import PostRole
from training_records.xlsx import without_guard

EXCEL_EPOCH = date(1899, 12, 30)
_DATE = re.compile(r"^(\d{4})[-/.年](\d{1,2})(?:[-/.月](\d{1,2})?)?日?(?:\s+00:00(?::00)?)?$")
_COMPACT = re.compile(r"^(\d{4})(\d{2})(\d{2})$")
_MIDDLE_DOT = re.compile(r"[•‧∙⋅・]")
_PLAIN_NAME = re.compile(r"[一-鿿]{2,10}")
_PLAIN_PHONE = re.compile(r"1[3-9][0-9]{9}")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def text(value: object) -> str:
    """Returns a cell's text in `plain_width`, whole floats without `.0`."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return without_guard(plain_width(str(value)))


def name(value: object) -> str:
    """A person's name: Chinese or Latin letters and the middle dot; spaces inside a Chinese name are dropped."""
    if isinstance(value, str) and _PLAIN_NAME.fullmatch(value):
        return value
    folded = text(value)
    if not folded:
        raise ValueError("没有填姓名，请补上")
    folded = _MIDDLE_DOT.sub("·", folded)
    if re.search(r"[一-鿿]", folded):
        folded = folded.replace(" ", "")
        if _PLAIN_NAME.fullmatch(folded):
            return folded
    if re.search(r"[^\w·.' -]|\d|_", folded) or len(folded) > 40:
        raise ValueError("姓名里有不该有的字符，请改正")
    return folded


def phone(value: object) -> str:
    """A mobile number: eleven digits beginning with 13 to 19; as `clean_phone` reads it."""
    if isinstance(value, float) and value.is_integer():
        value = str(int(value))
    if isinstance(value, str) and _PLAIN_PHONE.fullmatch(value):
        return value
    folded = text(value)
    digits = clean_phone(re.sub(r"\.0+$", "", folded))
    if _PLAIN_PHONE.fullmatch(digits):
        return digits
    if not digits:
        raise ValueError("没有填手机号，请补上")
    if not re.fullmatch(r"[0-9]+", digits):
        raise ValueError("手机号里有不是数字的字符，请改正")
    if len(digits) != 11:
        raise ValueError(
            f"手机号只有 {len(digits)} 位，应为 11 位，请补全"
            if len(digits) < 11
            else f"手机号有 {len(digits)} 位，应为 11 位，请改正"
        )
    if not re.match(r"1[3-9]", digits):
        raise ValueError("手机号应以 13–19 开头，请核对")
    return digits


def day(value: object) -> date | None:
    """A date from `2023.5`, `2023年5月`, `2023-5-6`, `2023/5/6`, `20230506` or an Excel serial number.

    Without a day it is the first of the month.
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, bool):
        raise ValueError("日期看不懂，请写成 2023-05-06 这样")
    folded = text(value)
    if folded in ("", "-", "/", "无", "至今", "今"):
        return None
    if isinstance(value, int | float) and 20000 <= value < 80000:
        return EXCEL_EPOCH + timedelta(days=int(value))
    if re.fullmatch(r"[2-7]\d{4}", folded):
        return EXCEL_EPOCH + timedelta(days=int(folded))
    match = _DATE.match(folded.replace("年 ", "年").replace("月 ", "月")) or _COMPACT.match(folded)
    if not match:
        if re.fullmatch(r"\d{4}年?", folded):
            raise ValueError("日期只有年份，请写到月，例如 2023年5月")
        raise ValueError("日期看不懂，请写成 2023-05-06 这样")
    year, month, in_month = int(match[1]), int(match[2]), int(match[3] or 1)
    try:
        result = date(year, month, in_month)
    except ValueError:
        raise ValueError(f"没有 {year}年{month}月{in_month}日 这一天，请核对") from None
    if not 1930 <= year <= 2100:
        raise ValueError(f"年份 {year} 不对，请核对")
    return result


def identity(value: object) -> str | None:
    """An 18-digit identity number with a valid check digit (GB 11643-1999), X in upper case."""
    if isinstance(value, float):
        if value == 0:
            return None
        raise ValueError(
            "证件号码被 Excel 变成了数字，后几位已经丢失。请把单元格设成文本，重新填写"
        )
    folded = text(value).replace(" ", "").upper()
    if not folded:
        return None
    if not re.fullmatch(r"\d{17}[\dX]", folded):
        raise ValueError(
            f"证件号码有 {len(folded)} 位，应为 18 位，请核对"
            if len(folded) != 18
            else "证件号码里有不该有的字符，请核对"
        )
    check = "10X98765432"[sum(map(mul, map(int, folded[:17]), _WEIGHTS)) % 11]
    if folded[17] != check:
        raise ValueError("证件号码校验不通过，可能有一位写错了，请核对")
    try:
        date(int(folded[6:10]), int(folded[10:12]), int(folded[12:14]))
    except ValueError:
        raise ValueError("证件号码里的出生日期不存在，请核对") from None
    return folded


def yes_no(value: object) -> bool | None:
    """是/否, 专职/兼职, √/×, 1/0 and the like; None for an empty cell."""
    folded = text(value).lower()
    if folded in ("", "-"):
        return None
    if folded in ("是", "专职", "√", "1", "true", "有", "y"):
        return True
    if folded in ("否", "兼职", "×", "x", "0", "false", "无", "n", "不是"):
        return False
    raise ValueError("请填“是”或“否”")


def count(value: object) -> int | None:
    """A whole number of up to six digits; None for an empty cell."""
    folded = clean_number(re.sub(r"(人|名|个)$", "", text(value)))
    if folded in ("", "-"):
        return None
    if not re.fullmatch(r"[0-9]{1,6}", folded):
        raise ValueError("请填整数")
    return int(folded)


def role(value: object) -> PostRole:
    """director or supervisor; an empty cell is a director."""
    folded = text(value)
    if not folded or "主任" in folded:
        return "director"
    if "督导" in folded:
        return "supervisor"
    raise ValueError("登记类型只能是“儿童主任”或“儿童督导员”")


def gender(value: object) -> str | None:
    """男 or 女."""
    folded = text(value)
    if folded in ("", "男", "女"):
        return folded or None
    raise ValueError("性别只能填“男”或“女”")


def email(value: object) -> str | None:
    """An e-mail address."""
    folded = text(value)
    if not folded:
        return None
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", folded):
        raise ValueError("邮箱格式不对，请核对")
    return folded


def check_result(value: object) -> str | None:
    """Parses the result of a background check."""
    folded = short(20)(value)
    return folded and read_result(folded)


def shown(name: str, value: object) -> str:
    """Formats a field's value for display; None is empty."""
    if value is None:
        return ""
    if name == "background_result":
        return result_label(str(value))
    if isinstance(value, bool):
        return "是" if value else "否"
    return str(value)


def short(limit: int) -> Callable[[object], str | None]:
    """Returns a parser for text of at most `limit` characters."""

    def parse(value: object) -> str | None:
        folded = text(value)
        if len(folded) > limit:
            raise ValueError(f"有 {len(folded)} 个字，最多 {limit} 个字，请缩短")
        return folded or None

    return parse
