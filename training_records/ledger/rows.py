"""Rows of an office's sheet: located below the header, parsed one by one, checked on their own and against
each other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import chain, islice

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
from training_records.ledger.models import PostRole
from training_records.ledger.places import Places
from training_records.ledger.workbook import Cell, open_sheets

_TOTAL = re.compile(r"^(合计|总计|小计|共计|汇总)")
_FOOTER = re.compile(
    r"^(填表人|制表人|审核人|填报单位|填报人|负责人|备注|注[::]|说明|联系人|制表日期|填报日期|单位负责人)"
)

PARSERS: dict[str, Callable[[object], object]] = {
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
    "background_result": values.check_result,
    "background_next_due": values.day,
    "children": values.count,
    "caseload": values.count,
}
# Most columns have few distinct values: cache the parsers.
for _name in PARSERS.keys() - {"name", "phone", "identity", "email", "landline"}:
    PARSERS[_name] = lru_cache(4096, typed=True)(PARSERS[_name])
POST_FIELDS = ("duties", "children", "caseload", "end")
PERSON_FIELDS = tuple(f for f in PARSERS if f not in (*POST_FIELDS, "role", "start", "identity"))


DATES = frozenset(("start", "end", "birth_date", "background_checked_on", "background_next_due"))
_NEVER_EMPTY = ("name", "phone")
_Plan = list[tuple[str, int, Callable[[object], object]]]


@dataclass(frozen=True)
class RowError:
    """One fault: the row number as in Excel, the column's title, the value, what is wrong and what to do."""

    row: int
    column: str
    value: str
    reason: str


@dataclass(slots=True)
class LedgerRow:
    """A parsed row: its number as in Excel, role, division code, the values of the person and of the post by field
    (empty cells left out), the identity number."""

    number: int
    role: PostRole
    code: str
    person: dict[str, object]
    post: dict[str, object]
    identity: str | None

    @property
    def name(self) -> str:
        return str(self.person["name"])

    @property
    def phone(self) -> str:
        return str(self.person["phone"])


def find_table(
    data: bytes, mapping: Mapping[str, str] | None = None
) -> tuple[Header, Iterator[tuple[int, list[Cell]]]]:
    """Returns the header of the first visible sheet that has one, and an iterator over its numbered rows.

    `mapping`: an office's own folded titles to fields. Raises `Refused` if no sheet is a ledger.
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
        return header, ((n, cells) for n, cells in below if not _is_skipped(cells, header))
    assert first_problem  # noqa: S101 (a workbook has at least one sheet)
    raise first_problem


def _is_skipped(cells: list[Cell], header: Header) -> bool:
    width, at, phone = len(cells), header.columns["name"], header.columns["phone"]
    if at < width and phone < width and cells[at] and cells[phone] and cells[at] not in _TITLES:
        first = cells[0]
        if not isinstance(first, str) or not _TOTAL.match(first):
            return False
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


_TITLES = {spelling for title, others in COLUMNS.values() for spelling in (title, *others)}


class Reader:
    """Parses rows; faults go to `fault`, doubtful values to `warn`."""

    def __init__(
        self,
        header: Header,
        places: Places,
        fault: Callable[[RowError], None],
        *,
        warn: Callable[[RowError], None],
    ) -> None:
        self.header, self.places, self._fault, self._warn = header, places, fault, warn
        # Per column: field, position, parser.
        known = [
            (name, header.columns[name], parser)
            for name, parser in PARSERS.items()
            if name in header.columns and name not in (*_NEVER_EMPTY, "role", "identity")
        ]
        self._post_plan = [c for c in known if c[0] in (*POST_FIELDS, "start")]
        self._person_plan = [c for c in known if c not in self._post_plan]
        self._needed = [(name, header.columns[name], PARSERS[name]) for name in _NEVER_EMPTY]
        self._width = max(header.columns.values()) + 1
        self._role, self._identity = header.columns.get("role"), header.columns.get("identity")
        self._division_columns = [
            header.columns.get(f) for f in ("code", "district", "town", "village")
        ]
        self._resolved: dict[tuple[object, ...], str] = {}
        self._by_phone: dict[str, tuple[int, str]] = {}
        self._by_identity: dict[str, tuple[int, str]] = {}
        self._seen: dict[tuple[str, str, str], int] = {}
        self._same_name: dict[tuple[str, str], int] = {}

    def read(self, number: int, cells: list[Cell]) -> LedgerRow | None:
        """Parses a row; returns None if it has a fault."""
        row = self._parse(number, cells)
        return row if row is not None and self._is_consistent(row) else None

    def _parse(self, number: int, cells: list[Cell]) -> LedgerRow | None:
        if len(cells) < self._width:
            cells = [*cells, *([""] * (self._width - len(cells)))]
        person: dict[str, object] = {}
        post: dict[str, object] = {}
        is_valid = True
        for name, at, parser in self._needed:
            try:
                person[name] = parser(cells[at])
            except ValueError as error:
                is_valid = self._refuse(number, name, cells[at], reason=str(error))
        is_valid = self._fill(person, self._person_plan, number, cells=cells) and is_valid
        is_valid = self._fill(post, self._post_plan, number, cells=cells) and is_valid
        role = identity = None
        if self._role is not None:
            role, is_readable = self._special(number, cells, "role", at=self._role)
            is_valid = is_readable and is_valid
        if self._identity is not None:
            identity, is_readable = self._special(number, cells, "identity", at=self._identity)
            is_valid = is_readable and is_valid
        code = self._place(number, cells, role or "director")
        start, end = post.get("start"), post.get("end")
        if isinstance(start, date) and isinstance(end, date) and end < start:
            is_valid = self._refuse(
                number, "end", end, reason=f"任职结束日期早于开始日期 {start}，请核对"
            )
        if not is_valid or not code:
            return None
        known: PostRole = "supervisor" if role == "supervisor" else "director"
        return LedgerRow(number, known, code, person, post, identity)

    def _fill(
        self, target: dict[str, object], plan: _Plan, number: int, *, cells: list[Cell]
    ) -> bool:
        """Parses the filled cells of some columns into `target`. Returns whether all could be parsed."""
        is_valid = True
        for name, at, parser in plan:
            value = cells[at]
            if value == "" or value is None:
                continue
            try:
                parsed = parser(value)
            except ValueError as error:
                is_valid = self._refuse(number, name, value, reason=str(error))
                continue
            if parsed is not None:
                target[name] = parsed
                if value.__class__ is float and name in DATES:
                    self._doubt(number, name, value)
        return is_valid

    def _special(
        self, number: int, cells: list[Cell], name: str, *, at: int
    ) -> tuple[str | None, bool]:
        """Returns the role or the identity number, and whether it could be parsed."""
        value = cells[at]
        if value == "" and name == "identity":
            return None, True
        try:
            parsed = PARSERS[name](value)
        except ValueError as error:
            return None, self._refuse(number, name, value, reason=str(error))
        return parsed if isinstance(parsed, str) else None, True

    def _doubt(self, number: int, name: str, value: float) -> None:
        if values.text(value).endswith(".1"):
            # Excel drops the zero of 2023.10, and the cell no longer differs from 2023.1.
            reason = (
                "Excel 里 1 月和 10 月会写成一样，这里按 1 月登记。是 10 月的请改成“2023年10月”这样"
            )
            self._warn(RowError(number, self.title(name), values.text(value), reason))

    def _place(self, number: int, cells: list[Cell], role: str) -> str:
        """Returns the division's code, or "" if it can't be resolved."""
        level = "town" if role == "supervisor" else "village"
        raw = [cells[at] if at is not None else "" for at in self._division_columns]
        key = (level, *raw)
        known = self._resolved.get(key)
        if known is not None:
            return known
        code, district, town, village = map(values.text, raw)
        code = code.replace(" ", "")
        try:
            if code:
                resolved = self.places.by_code(code)
                if self.places.levels[resolved] != level:
                    wanted = "镇（街）" if level == "town" else "村（社区）"
                    raise ValueError(f"{self.places.names[resolved]}不是{wanted}，请核对")
            else:
                resolved = self.places.by_names(district, town, village, level=level)
        except ValueError as error:
            field = "code" if code else level if level in self.header.columns else "village"
            shown = {"code": code, "town": town, "village": village}[field]
            self._refuse(number, field, shown, reason=str(error))
            return ""
        self._resolved[key] = resolved
        return resolved

    def _is_consistent(self, row: LedgerRow) -> bool:
        """Whether a row neither repeats nor contradicts an earlier one of the same file."""
        number, name, phone = row.number, row.name, row.phone
        at, other = self._by_phone.setdefault(phone, (number, name))
        if other != name:
            reason = f"手机号与第 {at} 行的{other}相同，请核对是谁的"
            return self._refuse(number, "phone", phone, reason=reason)
        key = (phone, row.code, row.role)
        if key in self._seen:
            return self._refuse(
                number, "name", name, reason=f"与第 {self._seen[key]} 行重复，请删去一行"
            )
        if row.identity:
            at, other = self._by_identity.setdefault(row.identity, (number, phone))
            if other != phone:
                owner = self._by_phone[other][1]
                reason = f"证件号码与第 {at} 行的{owner}相同，请核对"
                return self._refuse(number, "identity", "（不显示）", reason=reason)
        self._seen[key] = number
        same_name_row = self._same_name.setdefault((name, row.code), number)
        if same_name_row != number:
            reason = f"与第 {same_name_row} 行同村同名，手机号不同，按两个人登记"
            self._warn(RowError(number, self.title("name"), name, reason))
        return True

    def title(self, name: str) -> str:
        """A field's title in this sheet."""
        return self.header.titles.get(name) or COLUMNS[name][0]

    def _refuse(self, number: int, name: str, value: object, *, reason: str) -> bool:
        shown = value if value == "（不显示）" else values.text(value)
        self._fault(RowError(number, self.title(name), shown, reason))
        return False
