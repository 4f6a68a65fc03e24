"""Generates a ledger workbook as offices send it, with typical noise and planted faults."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from datetime import date, datetime

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from exam_app.demo import names
from exam_app.demo.seed import _name

FIRST_PHONE = 18800000000
FAULTS = (
    "short_phone",
    "letters_in_phone",
    "no_name",
    "unknown_village",
    "31_february",
    "bad_role",
    "bad_identity",
    "double_phone",
    "year_only",
    "end_before_start",
    "bad_yes_no",
    "repeated_row",
)


def office_workbook(
    villages: Sequence[tuple[str, str, str]], rows: int = 7000, dirt: float = 0.03, *, seed: int = 1
) -> tuple[bytes, dict[int, str]]:
    """Returns (workbook, row number → planted fault) for `rows` people of the (district, town, village) triples.

    The noise counts as no fault: a merged title, two header rows, a running number, phone numbers as floats, with
    spaces or full-width digits, dates in five spellings, village names with or without 村委会, a totals row and a
    footer. A share `dirt` of the rows has exactly one fault.
    """
    rng = random.Random(seed)
    out = io.BytesIO()
    planted: dict[int, str] = {}
    with xlsxwriter.Workbook(out, {"in_memory": True, "remove_timezone": True}) as book:
        sheet = book.add_worksheet("台账")
        dates = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.merge_range("A1:N1", "2026年儿童主任信息台账（填报表）")
        headings = [
            "序号",
            "姓名",
            "性别",
            "手机号码",
            "登记类型",
            "区（市）",
            "镇（街）",
            "村居名称",
            "是否专职",
            "证件号码",
        ]
        for column, title in enumerate(headings):
            sheet.merge_range(1, column, 2, column, title)
        sheet.merge_range("K2:L2", "任职时间")
        sheet.write_row("K3", ["起", "止"])
        sheet.merge_range("M2:N2", "辖区儿童")
        sheet.write_row("M3", ["儿童数", "留守困境儿童数"])
        sheet.set_column("J:J", None, None, {"hidden": True})
        row, previous = 3, None
        for n in range(rows):
            person = _person(n, villages[n % len(villages)], rng)
            fault = rng.choice(FAULTS) if rng.random() < dirt and previous else ""
            if fault:
                person = _spoil(person, fault, previous or person, rng=rng)
                planted[row + 1] = fault
            else:
                previous = person
            _write(sheet, row, n + 1, p=person, dates=dates)
            row += 1
        sheet.write(row, 0, "合计")
        sheet.write(row, 1, f"{rows}人")
        sheet.write(row + 2, 0, "填表人：")
    return out.getvalue(), planted


def _person(n: int, division: tuple[str, str, str], rng: random.Random) -> dict[str, object]:
    phone = FIRST_PHONE + n
    district, town, village = division
    stem = village.removesuffix("村")
    return {
        "name": _spaced(_name(rng), rng),
        "gender": rng.choice(["女", "男"]),
        "phone": rng.choice(
            [
                float(phone),
                str(phone),
                f"{str(phone)[:3]} {str(phone)[3:7]} {str(phone)[7:]}",
                str(phone).translate(str.maketrans("0123456789", "0123456789")),
                f" {phone} ",
            ]
        ),
        "role": rng.choice(["儿童主任", ""]),
        "district": district,
        "town": town,
        "village": village
        if village == stem
        else rng.choice([village, f"{stem}村委会", f"{village}村民委员会", f" {village}"]),
        "full_time": rng.choice(["是", "否", "专职", "兼职"]),
        "identity": "",
        "start": _date(rng),
        "end": "",
        "children": rng.choice([rng.randrange(5, 90), f"{rng.randrange(5, 90)}人"]),
        "caseload": rng.randrange(0, 30),
    }


def _spaced(name: str, rng: random.Random) -> str:
    return f"{name[0]} {name[1:]}" if rng.random() < 0.1 else name


def _date(rng: random.Random) -> object:
    day = date(rng.randrange(2015, 2026), rng.randrange(1, 10), rng.randrange(1, 28))
    return rng.choice(
        [
            float(f"{day.year}.{day.month}"),
            f"{day.year}年{day.month}月",
            day.toordinal() - date(1899, 12, 30).toordinal(),
            f"{day.year}/{day.month}/{day.day}",
            datetime(day.year, day.month, day.day),
        ]
    )


def _spoil(
    person: dict[str, object], fault: str, previous: dict[str, object], *, rng: random.Random
) -> dict[str, object]:
    changes: dict[str, dict[str, object]] = {
        "short_phone": {"phone": "1880000"},
        "letters_in_phone": {"phone": "1880000ab12"},
        "no_name": {"name": " "},
        "unknown_village": {"village": "查无此地村"},
        "31_february": {"start": "2023年2月31日"},
        "bad_role": {"role": "网格员"},
        "bad_identity": {"identity": "370283198001010012"},
        "double_phone": {
            "phone": previous["phone"],
            "name": "欧阳" + rng.choice(names.GIVEN_SECOND),
        },
        "year_only": {"start": "2023年"},
        "end_before_start": {"start": "2023-05-06", "end": "2022-01-01"},
        "bad_yes_no": {"full_time": "看情况"},
        "repeated_row": previous,
    }
    return {**person, **changes[fault]}


def _write(sheet: Worksheet, row: int, number: int, *, p: dict[str, object], dates: Format) -> None:
    cells = [
        number,
        p["name"],
        p["gender"],
        p["phone"],
        p["role"],
        p["district"],
        p["town"],
        p["village"],
        p["full_time"],
        p["identity"],
        p["start"],
        p["end"],
        p["children"],
        p["caseload"],
    ]
    for column, value in enumerate(cells):
        if isinstance(value, datetime):
            sheet.write_datetime(row, column, value, dates)
        elif value != "":
            sheet.write(row, column, value)
