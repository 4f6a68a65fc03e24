"""The definition of coverage, computed from posts and archive entries alone, for any day and any division.

The running figures of `training_records.coverage.running` must equal it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from training_records.archive.counting import year_totals_sql
from training_records.coverage.models import CoverageStatus
from training_records.coverage.rules import Rule, rule_of
from training_records.database import JsonValue
from training_records.divisions import WIDTHS, Division, children, get_division, level_of, within
from training_records.ledger.models import Person, Post, PostRole
from training_records.ledger.service import in_post_on

STATUS_NAMES: dict[CoverageStatus, str] = {
    "covered": "已覆盖",
    "pending": "待训",
    "uncovered": "未覆盖",
}


@dataclass(frozen=True)
class Standing:
    """One person in post: their totals of the year and the resulting status."""

    person_id: int
    name: str
    phone: str
    division_code: str
    start: date
    hours: Decimal
    exam_passed: bool
    inducted: bool
    status: CoverageStatus
    reason: str


@dataclass
class Coverage:
    """Counts of one division; rates are fractions of 1, None where nobody is in post."""

    code: str
    name: str
    level: str
    in_post: int = 0
    covered: int = 0
    pending: int = 0
    uncovered: int = 0
    not_inducted: int = 0
    supervisors: int = 0

    @property
    def missing(self) -> int:
        """Everyone in post who is not covered yet."""
        return self.in_post - self.covered

    @property
    def rate(self) -> float | None:
        """Covered ÷ in post."""
        return self.covered / self.in_post if self.in_post else None

    @property
    def rate_without_pending(self) -> float | None:
        """Covered ÷ (in post − pending)."""
        counted = self.in_post - self.pending
        return self.covered / counted if counted else None

    def add(self, standing: Standing) -> None:
        self.in_post += 1
        setattr(self, standing.status, getattr(self, standing.status) + 1)
        self.not_inducted += not standing.inducted


@dataclass
class CoverageReport:
    """A division, its children and everyone in post in it, as of `as_of`."""

    year: int
    as_of: date
    total: Coverage
    children: list[Coverage] = field(default_factory=list)
    standings: list[Standing] = field(default_factory=list)


def default_as_of(year: int, today: date) -> date:
    """Returns today if it lies in the year, the last day of a past year, the first day of a future one."""
    return min(max(today, date(year, 1, 1)), date(year, 12, 31))


def judge(
    hours: Decimal, exam_passed: bool, days_in_post: int, *, rule: Rule
) -> tuple[CoverageStatus, str]:
    """Returns (status, reason in Chinese) of one person under `rule`."""
    missing = []
    if hours < rule.hours:
        missing.append(f"还差 {(rule.hours - hours).normalize():f} 学时")
    if rule.exam and not exam_passed:
        missing.append("还没有通过考试")
    if not missing:
        return "covered", ""
    reason = "，".join(missing)
    if days_in_post <= rule.pending_days:
        return "pending", f"任职 {days_in_post} 天；{reason}"
    return "uncovered", reason


def standing(
    person_id: int,
    *,
    name: str,
    phone: str,
    code: str,
    start: date,
    as_of: date,
    rule: Rule,
    hours: Decimal,
    exam_passed: bool,
    inducted: bool,
) -> Standing:
    """Builds a person's `Standing` with status and reason."""
    status, reason = judge(hours, exam_passed, (as_of - start).days, rule=rule)
    if not inducted:
        reason = "、".join(filter(None, [reason, "未通过初任考核"]))
    return Standing(
        person_id, name, phone, code, start, hours, exam_passed, inducted, status, reason
    )


def standings(
    session: Session,
    prefix: str,
    year: int,
    *,
    as_of: date,
    rule: Rule | None = None,
    role: PostRole = "director",
) -> list[Standing]:
    """Everyone who holds a post of `role` in the division on `as_of`, with their year so far.

    A person with two posts in the division appears once, under the post that started last. Days in post count from the
    earliest start of all posts held that day: taking on a second village does not restart them. Entries count for the
    calendar year of their date only; induction counts from any year.
    """
    rule = rule or rule_of(session, year)
    sums = year_totals_sql(rule.levels, year, as_of).subquery()
    other = aliased(Post)
    since = (
        select(func.min(other.start))
        .where(other.person_id == Post.person_id, other.role == role, in_post_on(as_of, other))
        .scalar_subquery()
    )
    query = (
        select(
            Person.id,
            Person.name,
            Person.phone,
            Post.division_code,
            since.label("start"),
            sums.c.hours,
            sums.c.exam_passed,
            sums.c.inducted,
        )
        .join(Post, Post.person_id == Person.id)
        .outerjoin(sums, sums.c.person_id == Person.id)
        .where(Post.role == role, in_post_on(as_of), within(Post.division_code, prefix))
        .order_by(Post.start, Post.id)
    )
    by_person: dict[int, Standing] = {}
    for row in session.execute(query):
        hours = Decimal(str(row.hours or 0))
        exam_passed, inducted = bool(row.exam_passed), bool(row.inducted)
        by_person[row.id] = standing(
            row.id,
            name=row.name,
            phone=row.phone,
            code=row.division_code,
            start=row.start,
            as_of=as_of,
            rule=rule,
            hours=hours,
            exam_passed=exam_passed,
            inducted=inducted,
        )
    return sorted(by_person.values(), key=lambda s: (s.division_code, s.name))


def coverage(
    session: Session, code: str, year: int, *, as_of: date, rule: Rule | None = None
) -> CoverageReport:
    """Computes the coverage of a division and of the divisions one level below it."""
    division = get_division(session, code)
    width = WIDTHS[level_of(code)]
    below = children(session, code)
    people = standings(session, code[:width], year, as_of=as_of, rule=rule)
    total = Coverage(division.code, division.name, division.level)
    rows = {d.code: Coverage(d.code, d.name, d.level) for d in below}
    divisions_of = _posts_by_child(session, people, code, as_of=as_of, below=below)
    for person in people:
        total.add(person)
        for child in divisions_of.get(person.person_id, ()):
            rows[child].add(person)
    _count_supervisors(session, total, rows, as_of=as_of)
    return CoverageReport(year, as_of, total, list(rows.values()), people)


def _posts_by_child(
    session: Session,
    people: Sequence[Standing],
    code: str,
    *,
    as_of: date,
    below: Sequence[Division],
) -> dict[int, set[str]]:
    """Person to the children of the division where they hold a post; with several villages, several children."""
    if not below:
        return {}
    width = WIDTHS[level_of(below[0].code)]
    known = {d.code for d in below}
    query = select(Post.person_id, Post.division_code).where(
        Post.role == "director",
        in_post_on(as_of),
        within(Post.division_code, code[: WIDTHS[level_of(code)]]),
    )
    result: dict[int, set[str]] = {}
    for person_id, post_code in session.execute(query):
        child = post_code[:width].ljust(12, "0")
        if child in known:
            result.setdefault(person_id, set()).add(child)
    return result


def _count_supervisors(
    session: Session, total: Coverage, rows: dict[str, Coverage], *, as_of: date
) -> None:
    query = select(Post.person_id, Post.division_code).where(
        Post.role == "supervisor",
        in_post_on(as_of),
        within(Post.division_code, total.code[: WIDTHS[level_of(total.code)]]),
    )
    posts = list(session.execute(query))
    total.supervisors = len({person for person, _ in posts})
    if rows:
        width = WIDTHS[level_of(next(iter(rows)))]
        below = {(person, code[:width].ljust(12, "0")) for person, code in posts}
        for _, code in below:
            if code in rows:
                rows[code].supervisors += 1


def as_dict(row: Coverage) -> dict[str, JsonValue]:
    """Counts for JSON; rates are rounded to 4 decimals."""
    return {
        "code": row.code,
        "name": row.name,
        "level": row.level,
        "in_post": row.in_post,
        "covered": row.covered,
        "pending": row.pending,
        "uncovered": row.uncovered,
        "not_inducted": row.not_inducted,
        "supervisors": row.supervisors,
        "rate": None if row.rate is None else round(row.rate, 4),
        "rate_without_pending": (
            None if row.rate_without_pending is None else round(row.rate_without_pending, 4)
        ),
    }


def report_dict(report: CoverageReport, people: bool = True) -> dict[str, JsonValue]:
    """A report for JSON: the division's figures on top, `children`, and as `people` those not covered, with reasons."""
    result: dict[str, JsonValue] = {"year": report.year, "as_of": report.as_of.isoformat()}
    result.update(as_dict(report.total))
    result["children"] = [as_dict(row) for row in report.children]
    if people:
        result["people"] = [
            {
                "person_id": s.person_id,
                "name": s.name,
                "division": s.division_code,
                "status": s.status,
                "hours": float(s.hours),
                "exam_passed": s.exam_passed,
                "inducted": s.inducted,
                "reason": s.reason,
            }
            for s in report.standings
            if s.status != "covered"
        ]
    return result
