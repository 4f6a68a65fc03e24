"""Leave of absence (请假) of people in post: recorded by an office, deducted by the evaluation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from training_records.choices import choice
from training_records.errors import NotFound, Refused
from training_records.ledger.models import ABSENCES, Absence, Person
from training_records.ledger.service import current_post, ids_in, note, plain

# Shorter leave is not recorded: the month's visit can be made before or after it.
MIN_DAYS = 30


def absences_of(session: Session, person_id: int) -> list[Absence]:
    """A person's leaves, latest first."""
    query = select(Absence).where(Absence.person_id == person_id)
    return list(session.scalars(query.order_by(Absence.start.desc(), Absence.id.desc())))


def note_absence(
    session: Session,
    person: Person,
    kind: str,
    *,
    start: date,
    end: date | None,
    by: str,
    reason: str,
) -> Absence:
    """Records a leave. Raises `Refused` if it is shorter than `MIN_DAYS`, overlaps another one, or the person is not in
    post."""
    absence = choice(ABSENCES, kind, "请选请假的种类")
    _check(session, person, start, end=end)
    row = Absence(person_id=person.id, kind=absence, start=start, end=end, created_by=by)
    session.add(row)
    fields = {
        "absence.kind": [None, ABSENCES[absence]],
        "absence.start": [None, plain(start)],
        "absence.end": [None, plain(end)],
    }
    note(session, "away", person.id, post_id=None, fields=fields, by=by, reason=reason)
    session.flush()
    return row


def end_absence(session: Session, row: Absence, person: Person, *, end: date, by: str) -> None:
    """Sets or corrects the last day of a leave."""
    _check(session, person, row.start, end=end, checked_id=row.id)
    fields = {"absence.end": [plain(row.end), plain(end)]}
    row.end = end
    note(session, "away", person.id, post_id=None, fields=fields, by=by, reason=None)
    session.flush()


def remove_absence(session: Session, row: Absence, by: str, *, reason: str) -> None:
    """Deletes a leave recorded by mistake; the history keeps it. Raises `Refused` without a reason."""
    if not reason.strip():
        raise Refused("请写明为什么撤销，例如“记错了人”")
    fields = {
        "absence.kind": [ABSENCES[row.kind], None],
        "absence.start": [plain(row.start), None],
        "absence.end": [plain(row.end), None],
    }
    note(session, "away", row.person_id, post_id=None, fields=fields, by=by, reason=reason)
    session.delete(row)
    session.flush()


def get_absence(session: Session, number: int, person_id: int) -> Absence:
    """A leave of this person, or NotFound."""
    row = session.get(Absence, number)
    if row is None or row.person_id != person_id:
        raise NotFound("没有这次请假，请刷新页面再看")
    return row


def _check(
    session: Session,
    person: Person,
    start: date,
    *,
    end: date | None,
    checked_id: int | None = None,
) -> None:
    if end is not None and end < start:
        raise Refused("请假的最后一天早于第一天，请核对")
    if end is not None and (end - start).days + 1 < MIN_DAYS:
        raise Refused(f"不满 {MIN_DAYS} 天的假不用记，当月的走访前后补上就行")
    if current_post(session, person.id, start) is None:
        raise Refused(f"{person.name}在 {start} 没有任职，不用记请假")
    for other in absences_of(session, person.id):
        apart = (other.end is not None and other.end < start) or (
            end is not None and end < other.start
        )
        if other.id != checked_id and not apart:
            raise Refused(f"{other.start} 起已经记过一次假，日子重了，请核对")


def absences_in(
    session: Session, prefix: str, first: date, *, last: date
) -> dict[int, list[tuple[date, date]]]:
    """Person to their periods of leave (first and last day) of at least `MIN_DAYS` that overlap first…last, for people
    with a post in the division. Leave without an end lasts until `last`."""
    query = select(Absence.person_id, Absence.start, Absence.end).where(
        Absence.person_id.in_(ids_in(prefix)),
        Absence.start <= last,
        or_(Absence.end.is_(None), Absence.end >= first),
    )
    periods: dict[int, list[tuple[date, date]]] = defaultdict(list)
    for person, start, end in session.execute(query.order_by(Absence.start)):
        until = end or last
        if (until - start).days + 1 >= MIN_DAYS:
            periods[person].append((start, until))
    return dict(periods)


def without(start: date, end: date, away: Iterable[tuple[date, date]]) -> list[tuple[date, date]]:
    """Returns start…end minus periods of leave, which are in order and disjoint."""
    remaining = []
    for first, last in away:
        if last < start or first > end:
            continue
        if first > start:
            remaining.append((start, first - timedelta(days=1)))
        start = last + timedelta(days=1)
    if start <= end:
        remaining.append((start, end))
    return remaining
