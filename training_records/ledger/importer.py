"""Import of the ledger from an office's workbook: read, plan, and write all or nothing."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from training_records.errors import Refused
from training_records.ledger import values
from training_records.ledger.columns import (
    COLUMNS,
    FIELDS,
    Header,
    find_header,
    fold_title,
    require_columns,
)
from training_records.ledger.models import Person, Post
from training_records.ledger.places import Places
from training_records.ledger.workbook import read_sheets

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
POST_FIELDS = ("duties", "children", "caseload", "end")
PERSON_FIELDS = tuple(f for f in PARSERS if f not in (*POST_FIELDS, "role", "start", "identity"))


@dataclass(frozen=True)
class RowError:
    """One fault: the row as Excel shows it, the column's title, the value, why and what to do."""

    row: int
    column: str
    value: str
    reason: str


@dataclass
class ImportReport:
    """What the import found and did; `errors` also lists what was left out when partial."""

    rows: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    errors: list[RowError] = field(default_factory=list)
    warnings: list[RowError] = field(default_factory=list)
    applied: bool = False

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class _Row:
    number: int
    values: dict[str, Any]
    code: str = ""


def identity_digest(identity: str, key: bytes) -> str:
    """A keyed one-way digest, by which a person is recognised without keeping the number."""
    return hmac.new(key, identity.encode(), hashlib.sha256).hexdigest()


def import_ledger(
    session: Session,
    data: bytes,
    *,
    prefix: str,
    today: date,
    digest_key: bytes,
    dry_run: bool = False,
    accept_good: bool = False,
) -> ImportReport:
    """Reads the workbook `data` and writes its rows, limited to divisions with `prefix`.

    Nothing is written when any row has a fault, unless `accept_good`; a dry run reports the same.
    The caller commits. Raises `Refused` when the file as a whole can't be used.
    """
    rows, header = _table(data)
    report = ImportReport()
    places = Places(session, prefix)
    parsed = []
    for number, cells in rows:
        report.rows += 1
        row = _parse(number, cells, header, places, report)
        if row:
            parsed.append(row)
    parsed = _without_clashes(parsed, header, report)
    plan = _Plan(session, today, digest_key, header, report)
    actions = [action for row in parsed if (action := plan.action(row))]
    report.errors.sort(key=lambda e: e.row)
    if not dry_run and (accept_good or not report.errors):
        for action in actions:
            action()
        session.flush()
        report.applied = True
    return report


def _table(data: bytes) -> tuple[list[tuple[int, list[Any]]], Header]:
    first_problem: Refused | None = None
    for _name, rows in read_sheets(data):
        try:
            header = require_columns(find_header(rows))
        except Refused as problem:
            first_problem = first_problem or problem
            continue
        body = [
            (number, cells)
            for number, cells in enumerate(rows[header.first :], start=header.first + 1)
            if not _passed_over(cells, header)
        ]
        if not body:
            raise Refused("表头下面没有一行数据。请填好后再导入")
        return body, header
    assert first_problem  # noqa: S101 (read_sheets gives at least one sheet)
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


def _parse(
    number: int, cells: list[Any], header: Header, places: Places, report: ImportReport
) -> _Row | None:
    before = len(report.errors)

    def cell(field_name: str) -> Any:
        at = header.columns.get(field_name)
        return None if at is None or at >= len(cells) else cells[at]

    def fault(field_name: str, value: Any, reason: str) -> None:
        title = header.titles.get(field_name) or COLUMNS[field_name][0]
        report.errors.append(RowError(number, title, values.text(value), reason))

    result: dict[str, Any] = {}
    for name, parser in PARSERS.items():
        if name not in header.columns and name != "role":
            continue
        try:
            result[name] = parser(cell(name))
        except ValueError as error:
            fault(name, cell(name), str(error))
    for name in ("start", "end", "birth_date", "background_checked_on", "background_next_due"):
        raw = cell(name)
        if isinstance(raw, float) and values.text(raw).endswith(".1"):
            # Excel drops the zero of 2023.10; nothing in the cell tells the two apart.
            title = header.titles.get(name) or COLUMNS[name][0]
            reason = (
                "Excel 里 1 月和 10 月会写成一样,这里按 1 月登记。是 10 月的请改成“2023年10月”这样"
            )
            report.warnings.append(RowError(number, title, values.text(raw), reason))
    row = _Row(number, result)
    level = "town" if result.get("role") == "supervisor" else "village"
    code = values.text(cell("code")).replace(" ", "")
    place_field = "code" if code else level if level in header.columns else "village"
    try:
        if code:
            row.code = places.by_code(code)
            if places.levels[row.code] != level:
                raise ValueError(
                    f"{places.names[row.code]}不是{'镇(街)' if level == 'town' else '村(社区)'},请核对"
                )
        else:
            row.code = places.by_names(
                values.text(cell("district")),
                values.text(cell("town")),
                values.text(cell("village")),
                level,
            )
    except ValueError as error:
        fault(place_field, cell(place_field), str(error))
    start, end = result.get("start"), result.get("end")
    if start and end and end < start:
        fault("end", end, f"任职结束日期早于开始日期 {start},请核对")
    return row if len(report.errors) == before else None


def _without_clashes(rows: list[_Row], header: Header, report: ImportReport) -> list[_Row]:
    """Drops rows that repeat or contradict an earlier row of the same file."""
    by_phone: dict[str, _Row] = {}
    by_identity: dict[str, _Row] = {}
    seen: dict[tuple[str, str, str], _Row] = {}
    same_name: dict[tuple[str, str], _Row] = {}
    good = []
    for row in rows:
        v = row.values
        phone_row = by_phone.setdefault(v["phone"], row)
        post_key = (v["phone"], row.code, v["role"])
        if phone_row.values["name"] != v["name"]:
            report.errors.append(
                RowError(
                    row.number,
                    header.titles["phone"],
                    v["phone"],
                    f"手机号与第 {phone_row.number} 行的{phone_row.values['name']}相同,请核对是谁的",
                )
            )
            continue
        if post_key in seen:
            report.errors.append(
                RowError(
                    row.number,
                    header.titles["name"],
                    v["name"],
                    f"与第 {seen[post_key].number} 行重复,请删去一行",
                )
            )
            continue
        identity = v.get("identity")
        if identity:
            other = by_identity.setdefault(identity, row)
            if other.values["phone"] != v["phone"]:
                report.errors.append(
                    RowError(
                        row.number,
                        header.titles["identity"],
                        "(不显示)",
                        f"证件号码与第 {other.number} 行的{other.values['name']}相同,请核对",
                    )
                )
                continue
        seen[post_key] = row
        twin = same_name.setdefault((v["name"], row.code), row)
        if twin is not row:
            report.warnings.append(
                RowError(
                    row.number,
                    header.titles["name"],
                    v["name"],
                    f"与第 {twin.number} 行同村同名,手机号不同,按两个人登记",
                )
            )
        good.append(row)
    return good


class _Plan:
    """Compares rows with what is there; an action writes one row."""

    def __init__(
        self, session: Session, today: date, digest_key: bytes, header: Header, report: ImportReport
    ) -> None:
        self.session, self.today, self.key = session, today, digest_key
        self.header, self.report = header, report
        self.by_phone: dict[str, Person] = {}
        self.by_digest: dict[str, Person] = {}
        for person in session.scalars(select(Person)):
            self.by_phone[person.phone] = person
            if person.identity_digest:
                self.by_digest[person.identity_digest] = person
        self.posts: dict[tuple[int, str, str], Post] = {}
        for post in session.scalars(select(Post).order_by(Post.start)):
            self.posts[post.person_id, post.role, post.division_code] = post
        self.planned: dict[str, dict[str, Any]] = {}

    def action(self, row: _Row) -> Callable[[], None] | None:
        """What to do for a row, counted in the report; None when it is refused."""
        v = row.values
        digest = identity_digest(v["identity"], self.key) if v.get("identity") else None
        owner = self.by_phone.get(v["phone"])
        known = self.by_digest.get(digest) if digest else None
        if owner and owner.name != v["name"] and (known is None or known is not owner):
            self._refuse(row, "phone", v["phone"], "手机号已登记在别人名下,请核对")
            return None
        if known and owner and known is not owner:
            self._refuse(row, "phone", v["phone"], "证件号码和手机号各属于台账里的两个人,请核对")
            return None
        person = owner or known
        changes = {f: v[f] for f in PERSON_FIELDS if v.get(f) is not None}
        if digest:
            changes["identity_digest"] = digest
            changes.setdefault("birth_date", _birth_date(v["identity"]))
        if person is None:
            if v["phone"] in self.planned:
                self.report.changed += 1
            else:
                self.report.new += 1
                self.planned[v["phone"]] = changes
            return lambda: self._create(row, changes)
        post = self.posts.get((person.id, v["role"], row.code))
        differing = {f: x for f, x in changes.items() if getattr(person, f) != x}
        post_differing = self._post_changes(post, v)
        if post and not differing and not post_differing:
            self.report.unchanged += 1
            return None
        self.report.changed += 1
        return lambda: self._change(row, person, post, differing, post_differing)

    def _post_changes(self, post: Post | None, v: dict[str, Any]) -> dict[str, Any]:
        if post is None:
            return {}
        wanted = {f: v[f] for f in (*POST_FIELDS, "start") if v.get(f) is not None}
        return {f: x for f, x in wanted.items() if getattr(post, f) != x}

    def _refuse(self, row: _Row, name: str, value: str, reason: str) -> None:
        title = self.header.titles.get(name, COLUMNS[name][0])
        self.report.errors.append(RowError(row.number, title, value, reason))

    def _create(self, row: _Row, changes: dict[str, Any]) -> None:
        person = self.by_phone.get(row.values["phone"])
        if person is None:
            person = Person(**changes)
            self.session.add(person)
            self.by_phone[person.phone] = person
        self._appoint(row, person)

    def _change(
        self,
        row: _Row,
        person: Person,
        post: Post | None,
        changes: dict[str, Any],
        post_changes: dict[str, Any],
    ) -> None:
        for name, value in changes.items():
            setattr(person, name, value)
        if post is None:
            self._appoint(row, person)
        else:
            for name, value in post_changes.items():
                setattr(post, name, value)

    def _appoint(self, row: _Row, person: Person) -> None:
        v = row.values
        self.session.add(
            Post(
                person=person,
                role=v["role"],
                division_code=row.code,
                start=v.get("start") or self.today,
                **{f: v[f] for f in POST_FIELDS if v.get(f) is not None},
            )
        )


def _birth_date(identity: str) -> date:
    return date(int(identity[6:10]), int(identity[10:12]), int(identity[12:14]))
