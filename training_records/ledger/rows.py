"""Rows of an office's sheet: found below the header, read one by one, checked by themselves and against each
other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice
from typing import Any

from training_records.errors import Refused
from training_records.ledger import values
from training_records.ledger.columns import (
    COLUMNS,
    FIELDS,
    HEADER_SEARCH,
    Header,
    find_header,
    fold_title,
    require_columns,
)
from training_records.ledger.places import Places
from training_records.ledger.workbook import open_sheets

_TOTAL = re.compile(r"^(合计|总计|小计|共计|汇总)")
_FOOTER = re.compile(
    r"^(填表人|制表人|审核人|填报单位|填报人|负责人|备注|注[::]|说明|联系人|制表日期|填报日期|单位负责人)"
)

PARSERS: dict[str, Callable[[Any], Any]] = {
    "role": values.role,
    "name": values.name,
    "phone": values.phone,
    "identity": values.identity,
    "identity_type": values.short(20),
    "gender": values.gender,
    "birth_date": values.day,
    "ethnicity": values.short(20),
    "political_status": values.short(20),
    "education": values.short(20),
    "marital_status": values.short(20),
    "health": values.short(20),
    "skills": values.short(100),
    "qualifications": values.short(100),
    "workplace": values.short(100),
    "job_title": values.short(60),
    "other_titles": values.short(100),
    "landline": values.short(20),
    "email": values.email,
    "full_time": values.yes_no,
    "purchased": values.yes_no,
    "allowance": values.short(20),
    "duties": values.short(100),
    "practice": values.short(100),
    "start": values.day,
    "end": values.day,
    "background_checked_on": values.day,
    "background_result": values.short(20),
    "background_next_due": values.day,
    "children": values.count,
    "caseload": values.count,
}
# Columns whose few spellings come again and again are read once each.
for _name in PARSERS.keys() - {"name", "phone", "identity", "email", "landline"}:
    PARSERS[_name] = lru_cache(4096, typed=True)(PARSERS[_name])
POST_FIELDS = ("duties", "children", "caseload", "end")
PERSON_FIELDS = tuple(f for f in PARSERS if f not in (*POST_FIELDS, "role", "start", "identity"))


DATES = ("start", "end", "birth_date", "background_checked_on", "background_next_due")
# What an empty cell is refused for, or stands for something.
_NEVER_EMPTY = ("name", "phone", "role")


@dataclass(frozen=True)
class RowError:
    """One fault: the row as Excel shows it, the column's title, the value, why and what to do."""

    row: int
    column: str
    value: str
    reason: str


@dataclass
class Row:
    """A row that can be read: its number as Excel shows it, values by field, the division's code."""

    number: int
    values: dict[str, Any]
    code: str = ""


def find_table(
    data: bytes, mapping: Mapping[str, str] | None = None
) -> tuple[Header, Iterator[tuple[int, list[Any]]]]:
    """The header of the first visible sheet that has one, and its rows with their numbers, one by one.

    `mapping`: titles that an office uses, folded, to fields. `Refused` when no sheet is a ledger.
    """
    first_problem: Refused | None = None
    for rows in open_sheets(data):
        top = list(islice(rows, HEADER_SEARCH + 1))
        try:
            header = require_columns(find_header(top, mapping))
        except Refused as problem:
            first_problem = first_problem or problem
            continue
        below = enumerate(chain(top[header.first :], rows), start=header.first + 1)
        return header, ((n, cells) for n, cells in below if not _passed_over(cells, header))
    assert first_problem  # noqa: S101 (a workbook has at least one sheet)
    raise first_problem


def _passed_over(cells: list[Any], header: Header) -> bool:
    filled = [values.text(c) for c in cells if values.text(c)]
    if not filled:
        return True
    lead = re.sub(r"\s", "", filled[0])
    at = header.columns["name"]
    name = re.sub(r"\s", "", values.text(cells[at])) if at < len(cells) else ""
    if _TOTAL.match(lead) or _TOTAL.match(name):
        return True
    if _FOOTER.match(lead) and len(filled) <= 4:
        return True
    return sum(fold_title(c) in FIELDS for c in cells) >= 3


class Reader:
    """Reads rows; what is wrong with one goes to `fault`, what is doubtful to `warn`."""

    def __init__(
        self,
        header: Header,
        places: Places,
        fault: Callable[[RowError], None],
        warn: Callable[[RowError], None],
    ) -> None:
        self.header, self.places, self._fault, self._warn = header, places, fault, warn
        self._plan = [
            (name, header.columns.get(name, -1), parser)
            for name, parser in PARSERS.items()
            if name in header.columns or name == "role"
        ]
        self._dates = [(n, header.columns[n]) for n in DATES if n in header.columns]
        self._by_phone: dict[str, tuple[int, str]] = {}
        self._by_identity: dict[str, tuple[int, str]] = {}
        self._seen: dict[tuple[str, str, str], int] = {}
        self._same_name: dict[tuple[str, str], int] = {}

    def read(self, number: int, cells: list[Any]) -> Row | None:
        """A row, or None when it can't be taken."""
        row = self._parse(number, cells)
        return row if row is not None and self._alone(row) else None

    def _parse(self, number: int, cells: list[Any]) -> Row | None:
        good, width, result = True, len(cells), {}
        for name, at, parser in self._plan:
            value = cells[at] if 0 <= at < width else None
            if (value is None or value == "") and name not in _NEVER_EMPTY:
                continue
            try:
                result[name] = parser(value)
            except ValueError as error:
                self._refuse(number, name, value, str(error))
                good = False
        for name, at in self._dates:
            raw = cells[at] if at < width else None
            if isinstance(raw, float) and values.text(raw).endswith(".1"):
                # Excel drops the zero of 2023.10; nothing in the cell tells the two apart.
                reason = "Excel 里 1 月和 10 月会写成一样,这里按 1 月登记。是 10 月的请改成“2023年10月”这样"
                self._warn(RowError(number, self.title(name), values.text(raw), reason))
        row = Row(number, result)
        good = self._place(row, cells) and good
        start, end = result.get("start"), result.get("end")
        if start and end and end < start:
            self._refuse(number, "end", end, f"任职结束日期早于开始日期 {start},请核对")
            good = False
        return row if good else None

    def _place(self, row: Row, cells: list[Any]) -> bool:
        def cell(name: str) -> str:
            at = self.header.columns.get(name)
            return "" if at is None or at >= len(cells) else values.text(cells[at])

        level = "town" if row.values.get("role") == "supervisor" else "village"
        code = cell("code").replace(" ", "")
        field = "code" if code else level if level in self.header.columns else "village"
        try:
            if code:
                row.code = self.places.by_code(code)
                if self.places.levels[row.code] != level:
                    wanted = "镇(街)" if level == "town" else "村(社区)"
                    raise ValueError(f"{self.places.names[row.code]}不是{wanted},请核对")
            else:
                row.code = self.places.by_names(
                    cell("district"), cell("town"), cell("village"), level
                )
        except ValueError as error:
            self._refuse(row.number, field, cell(field), str(error))
            return False
        return True

    def _alone(self, row: Row) -> bool:
        """Whether a row neither repeats nor contradicts an earlier one of the same file."""
        v = row.values
        name, phone = v["name"], v["phone"]
        at, other = self._by_phone.setdefault(phone, (row.number, name))
        if other != name:
            reason = f"手机号与第 {at} 行的{other}相同,请核对是谁的"
            return self._refuse(row.number, "phone", phone, reason)
        key = (phone, row.code, v["role"])
        if key in self._seen:
            return self._refuse(
                row.number, "name", name, f"与第 {self._seen[key]} 行重复,请删去一行"
            )
        identity = v.get("identity")
        if identity:
            at, other = self._by_identity.setdefault(identity, (row.number, phone))
            if other != phone:
                owner = self._by_phone[other][1]
                reason = f"证件号码与第 {at} 行的{owner}相同,请核对"
                return self._refuse(row.number, "identity", "(不显示)", reason)
        self._seen[key] = row.number
        twin = self._same_name.setdefault((name, row.code), row.number)
        if twin != row.number:
            reason = f"与第 {twin} 行同村同名,手机号不同,按两个人登记"
            self._warn(RowError(row.number, self.title("name"), name, reason))
        return True

    def title(self, name: str) -> str:
        """A field's title in this sheet."""
        return self.header.titles.get(name) or COLUMNS[name][0]

    def _refuse(self, number: int, name: str, value: Any, reason: str) -> bool:
        shown = value if value == "(不显示)" else values.text(value)
        self._fault(RowError(number, self.title(name), shown, reason))
        return False
