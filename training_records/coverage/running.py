"""Coverage figures of every division, maintained incrementally beside the records.

A change to a post or an archive entry only queues the person (`PendingUpdate`, added by every flush). Soon afterwards,
one process at a time works the queue off: it recomputes the person's coverage rows and adds the difference to the
figures of each division above. Time alone changes some rows too (a post begins, the pending days end); they are found
by the day on which they change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import NamedTuple, TypeVarTuple

from sqlalchemy import (
    CursorResult,
    Float,
    Row,
    Select,
    delete,
    event,
    insert,
    or_,
    select,
    text,
    type_coerce,
)
from sqlalchemy.orm import Session
from sqlalchemy.orm.unitofwork import UOWTransaction
from sqlalchemy.sql.dml import ReturningDelete

from training_records.archive.counting import (
    counts_as_training_sql,
    in_year_sql,
    is_induction_sql,
    is_passed_exam_sql,
)
from training_records.archive.models import ArchiveEntry, effective
from training_records.coverage.freezing import freeze, is_frozen
from training_records.coverage.models import (
    CoverageRow,
    CoverageStatus,
    DivisionTotals,
    PendingUpdate,
    RowStatus,
    RunningState,
)
from training_records.coverage.rules import Rule, rule_of
from training_records.database import insert_into, insert_missing, now, store
from training_records.divisions import WIDTHS
from training_records.ledger.models import Post, PostRole
from training_records.ledger.service import in_post_on

KEYS = tuple(c.key for c in DivisionTotals.__table__.columns if c.key != "code")
_WIDTHS = tuple(WIDTHS.values())
_INDEX = {key: at for at, key in enumerate(KEYS)}
CHUNK, BATCH = 500, 5000
# Figures dated further ahead were computed with a wrong clock.
_AHEAD = timedelta(days=1)
Figures = defaultdict[str, list[int]]
Ts = TypeVarTuple("Ts")
# Result rows: person, role, code, start; and person, date, whether an exam, hours, induction.
_Held = Row[int, str, str, date]
_Counted = Row[int, date, bool, float, bool]


class SeatValues(NamedTuple):
    """A coverage row as it is stored."""

    person_id: int
    role: PostRole
    code: str
    start: date
    status: RowStatus
    hours: float
    exam_passed: bool
    inducted: bool
    covered_on: date | None
    next_on: date | None


@dataclass(frozen=True)
class _Learnt:
    """Totals of a person's entries as of today; `later`: date of the next entry that will count."""

    hours: float = 0.0
    exam_passed: bool = False
    inducted: bool = False
    covered_on: date | None = None
    later: date | None = None


def mark_dirty(session: Session, people: Iterable[int]) -> None:
    """Queues people whose posts or entries changed. Needed only for changes that bypass the session's flush (bulk
    statements)."""
    rows = [{"person_id": person} for person in sorted(set(people))]
    if rows:
        session.connection().execute(insert(PendingUpdate), rows)


@event.listens_for(Session, "after_flush")
def _note_flushed(session: Session, _context: UOWTransaction) -> None:
    changed = (*session.new, *session.dirty, *session.deleted)
    mark_dirty(session, {row.person_id for row in changed if isinstance(row, Post | ArchiveEntry)})


def is_stale(session: Session, today: date) -> bool:
    """Whether the figures are out of date: a change is queued, or they are of another day."""
    day = session.scalar(select(RunningState.day).where(RunningState.id == 1))
    if day is None or not timedelta(0) <= day - today <= _AHEAD:
        return True
    return session.scalar(select(PendingUpdate.id).limit(1)) is not None


def apply_pending(session: Session, today: date, most: int = 2000) -> bool:
    """Processes up to `most` queued changes, or rebuilds everything if nothing is built yet or a year has ended.
    Returns whether there is more to do. The caller commits, and calls again."""
    state = _locked(session)
    if state.day is None or state.day > today + _AHEAD:
        rebuild(session, today)
        return False
    # A caller that read the date just before midnight must not turn the figures back.
    today = max(today, state.day)
    if state.day.year < today.year:
        return _turn_of_year(session, state, today, most=most)
    queued = session.execute(_dequeue(most)).scalars().all()
    people = set(queued)
    if state.day < today:
        people |= _moved_by_time(session, state.day, today)
        state.day = today
    rule = rule_of(session, today.year)
    ids = sorted(people)
    for start in range(0, len(ids), CHUNK):
        _renew(session, ids[start : start + CHUNK], rule, today=today)
    return len(queued) == most


def _turn_of_year(session: Session, state: RunningState, today: date, *, most: int) -> bool:
    """Brings the old year to its last day and freezes it, then builds the figures of the new one."""
    year = state.day.year if state.day else today.year
    last = date(year, 12, 31)
    if state.day == last and session.scalar(select(PendingUpdate.id).limit(1)) is None:
        if not is_frozen(session, year):
            freeze(session, year)
        rebuild(session, today)
        return False
    apply_pending(session, last, most)
    return True


def note_rule(session: Session, year: int) -> None:
    """Schedules a rebuild if a changed rule of `year` affects the running year."""
    state = _locked(session)
    if state.day is not None and year <= state.day.year:
        state.day = None


def rebuild(session: Session, today: date) -> int:
    """Recomputes all coverage rows and figures from posts and entries. Returns the number of rows. The caller commits;
    the state row stays locked until then."""
    state = _locked(session)
    for table in (PendingUpdate, CoverageRow, DivisionTotals):
        session.execute(delete(table))
    rule, figures, count = rule_of(session, today.year), _empty_figures(), 0
    batch: list[SeatValues] = []
    learnt = _learnt(session, rule, today)
    person, totals = next(learnt, (0, _Learnt()))
    for owner, posts in _posts(session, today):
        while person and person < owner:
            person, totals = next(learnt, (0, _Learnt()))
        seats = _seats(
            owner, posts, totals if person == owner else _Learnt(), rule=rule, today=today
        )
        _count(figures, seats, 1)
        batch += seats
        count += len(seats)
        if len(batch) >= BATCH:
            _store(session, batch)
            batch = []
    _store(session, batch)
    store(
        session.connection(),
        DivisionTotals,
        ("code", *KEYS),
        rows=((c, *figures[c]) for c in sorted(figures)),
    )
    if session.get_bind().dialect.name == "postgresql":
        # All rows are new: without fresh statistics the planner would misjudge the tables for a while.
        session.execute(text("ANALYZE coverage_seat, coverage_count"))
    state.day, state.built_at = today, now()
    session.flush()
    return count


def _locked(session: Session) -> RunningState:
    insert_missing(session, RunningState, id=1)
    query = select(RunningState).where(RunningState.id == 1).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one()


def _dequeue(most: int) -> ReturningDelete[int]:
    """Deletes and returns the oldest queued changes. Only those of committed transactions are visible: none is lost."""
    oldest = select(PendingUpdate.id).order_by(PendingUpdate.id).limit(most)
    return (
        delete(PendingUpdate).where(PendingUpdate.id.in_(oldest)).returning(PendingUpdate.person_id)
    )


def _moved_by_time(session: Session, before: date, today: date) -> set[int]:
    """People whose rows may change on the days after `before` up to `today`."""
    began = (Post.start > before) & (Post.start <= today)
    ended = (Post.end >= before) & (Post.end < today)
    people = set(session.scalars(select(Post.person_id).where(or_(began, ended))))
    return people | set(
        session.scalars(select(CoverageRow.person_id).where(CoverageRow.next_on <= today))
    )


def _renew(session: Session, people: Sequence[int], rule: Rule, *, today: date) -> None:
    """Recomputes the rows of some people and adds the differences to the figures."""
    query = select(*(getattr(CoverageRow, key) for key in SeatValues._fields)).where(
        CoverageRow.person_id.in_(people)
    )
    rows = session.execute(query.order_by(CoverageRow.person_id))
    old = {p: [SeatValues(*row) for row in group] for p, group in groupby(rows, key=lambda r: r[0])}
    totals = dict(_learnt(session, rule, today, people=people))
    new = {
        owner: _seats(owner, posts, totals.get(owner, _Learnt()), rule=rule, today=today)
        for owner, posts in _posts(session, today, people)
    }
    figures = _empty_figures()
    changed = []
    for person in people:
        before, after = old.get(person, []), new.get(person, [])
        if sorted(map(_comparable, before)) == sorted(map(_comparable, after)):
            continue
        changed.append(person)
        _count(figures, before, -1)
        _count(figures, after, 1)
    if changed:
        session.execute(delete(CoverageRow).where(CoverageRow.person_id.in_(changed)))
        _store(session, [seat for person in changed for seat in new.get(person, [])])
        _add(session, figures)


def _comparable(seat: SeatValues) -> tuple[object, ...]:
    """Normalises a row, so that stored and computed ones compare: hours as a number, days as text."""
    return (*seat[:5], float(seat.hours), *seat[6:8], str(seat.covered_on), str(seat.next_on))


def _seats(
    person: int, posts: Sequence[_Held], learnt: _Learnt, *, rule: Rule, today: date
) -> list[SeatValues]:
    """Computes the rows of one person from the posts held today (role, code, start) and their totals."""
    seats = []
    for role in ("director", "supervisor"):
        held = [post for post in posts if post.role == role]
        if not held:
            continue
        start = min(post.start for post in held)
        covered = learnt.hours >= float(rule.hours) and (learnt.exam_passed or not rule.exam)
        overdue_from = start + timedelta(days=rule.pending_days + 1)
        status: CoverageStatus = (
            "covered" if covered else "pending" if today < overdue_from else "uncovered"
        )
        changes = [learnt.later] if learnt.later else []
        if status == "pending":
            changes.append(overdue_from)
        seats += [
            SeatValues(
                person,
                role,
                code,
                start,
                status if role == "director" else "",
                learnt.hours,
                learnt.exam_passed,
                learnt.inducted,
                # A rule that requires neither hours nor an exam covers from the first day.
                (learnt.covered_on or max(start, date(today.year, 1, 1))) if covered else None,
                min(changes, default=None),
            )
            for code in sorted({post.division_code for post in held})
        ]
    return seats


def _posts(
    session: Session, today: date, people: Sequence[int] | None = None
) -> Iterator[tuple[int, list[_Held]]]:
    query = select(Post.person_id, Post.role, Post.division_code, Post.start).where(
        in_post_on(today)
    )
    if people is not None:
        query = query.where(Post.person_id.in_(people))
    rows = _streamed(session, query.order_by(Post.person_id))
    for person, group in groupby(rows, key=lambda row: row.person_id):
        yield person, list(group)


def _streamed(session: Session, query: Select[*Ts]) -> CursorResult[*Ts]:
    """Executes a query without the ORM, fetching a batch at a time."""
    return session.connection().execute(query, execution_options={"yield_per": BATCH})


def _learnt(
    session: Session, rule: Rule, today: date, *, people: Sequence[int] | None = None
) -> Iterator[tuple[int, _Learnt]]:
    """Yields person by person, in order of id, the totals of the entries that count for the year."""
    entry, first, last = ArchiveEntry, date(today.year, 1, 1), date(today.year, 12, 31)
    exam = is_passed_exam_sql()
    this_year = in_year_sql(today.year, last)
    wanted = (this_year & (counts_as_training_sql(rule.levels) | exam)) | is_induction_sql()
    hours = type_coerce(entry.hours, Float)
    query = (
        select(entry.person_id, entry.date, exam, hours, entry.induction)
        .where(effective(), wanted)
        .order_by(entry.person_id, entry.date)
    )
    if people is not None:
        query = query.where(entry.person_id.in_(people))
    for person, group in groupby(_streamed(session, query), key=lambda row: row[0]):
        yield person, _sum(group, rule, first, today=today)


def _sum(rows: Iterable[_Counted], rule: Rule, first: date, *, today: date) -> _Learnt:
    # Hundredths are integers, so that their sums are exact.
    need, hundredths = round(rule.hours * 100), 0
    passed = inducted = False
    covered_on = later = None
    for _person, day, exam, hours, induction in rows:
        if day > today:
            later = day
            break
        if exam:
            inducted = inducted or induction
            passed = passed or day >= first
        else:
            hundredths += round(hours * 100)
        if covered_on is None and day >= first and hundredths >= need and (passed or not rule.exam):
            covered_on = day
    return _Learnt(hundredths / 100, passed, inducted, covered_on, later)


def _count(figures: Figures, seats: Sequence[SeatValues], sign: int) -> None:
    """Adds (`sign` 1) or subtracts (-1) one person's rows, once in each division that contains any of them."""
    for role in ("director", "supervisor"):
        seats_of_role = [seat for seat in seats if seat.role == role]
        if not seats_of_role:
            continue
        counted = _positions(seats_of_role[0])
        for code in {s.code[:width].ljust(12, "0") for s in seats_of_role for width in _WIDTHS}:
            row = figures[code]
            for position in counted:
                row[position] += sign


def _positions(seat: SeatValues) -> list[int]:
    """Indices in `KEYS` of the figures in which a person counts."""
    if seat.role == "supervisor":
        return [_INDEX["supervisors"]]
    positions = [_INDEX["in_post"], _INDEX[seat.status]]
    if not seat.inducted:
        positions.append(_INDEX["not_inducted"])
    if seat.covered_on:
        positions.append(_INDEX[f"m{seat.covered_on.month}"])
    return positions


def _empty_figures() -> Figures:
    return defaultdict(lambda: [0] * len(KEYS))


def _store(session: Session, seats: Sequence[SeatValues]) -> None:
    if seats:
        store(session.connection(), CoverageRow, SeatValues._fields, rows=seats)


def _add(session: Session, figures: Figures) -> None:
    rows = [
        {"code": code, **dict(zip(KEYS, figures[code], strict=True))}
        for code in sorted(figures)
        if any(figures[code])
    ]
    if not rows:
        return
    insertion = insert_into(session, DivisionTotals)
    sums = {key: getattr(DivisionTotals, key) + insertion.excluded[key] for key in KEYS}
    statement = insertion.on_conflict_do_update(index_elements=["code"], set_=sums)
    session.connection().execute(statement, rows)
