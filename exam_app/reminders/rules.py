"""Rules that generate the reminders due at a moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_app.exams.models import Attempt, Exam
from exam_app.reminders.models import ReminderKind
from training_records.coverage.models import CoverageRow
from training_records.coverage.rules import rule_of
from training_records.divisions import prefix_of, within
from training_records.events.models import Enrolment, Event, EventNote, EventSession
from training_records.events.planning import changes_plans
from training_records.ledger.models import Person, Post
from training_records.ledger.service import in_post_on

# Days in post after which a director without a passed induction is reminded.
INDUCTION_AFTER = (3, 15, 25, 45)
# Months in which uncovered directors are reminded of missing hours or the exam, once a month.
HOURS_IN = (6, 9, 10, 11, 12)
CLOSING, COMING, CHECK_DUE = timedelta(days=3), timedelta(days=2), 30


class DueReminder(NamedTuple):
    """A reminder that is due. `key` names the occasion, for deduplication."""

    key: str
    kind: ReminderKind
    person_id: int
    division_code: str
    text: str
    path: str
    until: date


def due_on(session: Session, moment: datetime, zone: ZoneInfo) -> Iterator[DueReminder]:
    """Yields every reminder due now, including those created before."""
    today = moment.astimezone(zone).date()
    yield from _induction(session, today)
    yield from _hours(session, today)
    yield from _exams(session, moment, zone)
    yield from _events(session, moment, zone)
    yield from _changes(session, moment, zone)
    yield from _checks(session, today)


def _induction(session: Session, today: date) -> Iterator[DueReminder]:
    query = select(CoverageRow.person_id, CoverageRow.code, CoverageRow.start).where(
        CoverageRow.role == "director",
        CoverageRow.inducted.is_(False),
        CoverageRow.start <= today - timedelta(days=INDUCTION_AFTER[0]),
        CoverageRow.start > today - timedelta(days=INDUCTION_AFTER[-1] + 15),
    )
    for person, code, start in session.execute(query):
        days = (today - start).days
        step = max(n for n in INDUCTION_AFTER if n <= days)
        yield DueReminder(
            f"induction:{person}:{start}:{step}",
            "induction",
            person,
            code,
            f"您上岗 {days} 天了，初任考核还没有合格。请学完必修课并参加考核，合格后才能独立开展工作。",
            "/learn",
            today + timedelta(days=10),
        )


def _hours(session: Session, today: date) -> Iterator[DueReminder]:
    if today.month not in HOURS_IN:
        return
    rule = rule_of(session, today.year)
    query = select(
        CoverageRow.person_id, CoverageRow.code, CoverageRow.hours, CoverageRow.exam_passed
    ).where(CoverageRow.role == "director", CoverageRow.status == "uncovered")
    for person, code, hours, passed in session.execute(query):
        missing = rule.hours - hours
        parts = [f"还差 {missing.normalize():f} 学时"] if missing > 0 else []
        parts += ["还没有通过考试"] if rule.exam and not passed else []
        if parts:
            yield DueReminder(
                f"hours:{person}:{today:%Y-%m}",
                "hours",
                person,
                code,
                f"今年的培训{'、'.join(parts)}。请在 12 月 31 日前完成。",
                "/",
                date(today.year, 12, 31),
            )


def _exams(session: Session, moment: datetime, zone: ZoneInfo) -> Iterator[DueReminder]:
    query = select(Exam).where(
        Exam.practice.is_(False), Exam.closes_at > moment, Exam.closes_at <= moment + CLOSING
    )
    for exam in session.scalars(query):
        passed = select(Attempt.person_id).where(
            Attempt.exam_id == exam.id, Attempt.passed.is_(True)
        )
        role = exam.blueprint.get("audience") or "director"
        last = exam.closes_at.astimezone(zone)
        people = select(Post.person_id, Post.division_code).where(
            within(Post.division_code, prefix_of(exam.division_code)),
            Post.role == role,
            in_post_on(moment.astimezone(zone).date()),
            Post.person_id.not_in(passed),
        )
        if exam.kind == "induction":
            seats = select(CoverageRow.person_id).where(CoverageRow.inducted.is_(False))
            people = people.where(Post.person_id.in_(seats))
        for person, code in session.execute(people):
            yield DueReminder(
                f"exam:{exam.id}:{person}",
                "exam",
                person,
                code,
                f"“{exam.title}”到 {last.month} 月 {last.day} 日 {last:%H:%M} 截止，您还没有通过。",
                f"/exams/{exam.id}",
                last.date(),
            )


def _events(session: Session, moment: datetime, zone: ZoneInfo) -> Iterator[DueReminder]:
    query = (
        select(EventSession, Event, Enrolment)
        .join(Event, Event.id == EventSession.event_id)
        .join(Enrolment, Enrolment.event_id == Event.id)
        .where(
            EventSession.starts_at > moment,
            EventSession.starts_at <= moment + COMING,
            Event.state == "open",
            Enrolment.state == "approved",
        )
        .order_by(EventSession.starts_at)
    )
    emitted: set[tuple[int, int, date]] = set()
    for event_session, event, row in session.execute(query):
        start = event_session.starts_at.astimezone(zone)
        if (event.id, row.person_id, start.date()) in emitted:
            continue
        emitted.add((event.id, row.person_id, start.date()))
        yield DueReminder(
            f"event:{event.id}:{start.date()}:{row.person_id}",
            "event",
            row.person_id,
            row.division_code,
            f"{start.month} 月 {start.day} 日 {start:%H:%M}，{event_session.place or event.place}：{event.title}。请准时签到。",
            "/events/mine",
            start.date(),
        )


def _changes(session: Session, moment: datetime, zone: ZoneInfo) -> Iterator[DueReminder]:
    """Sessions moved or dropped and events cancelled in the last two days, for everyone on the list."""
    query = (
        select(EventNote, Event, Enrolment)
        .join(Event, Event.id == EventNote.event_id)
        .join(Enrolment, Enrolment.event_id == Event.id)
        .where(
            EventNote.created_at > moment - COMING,
            changes_plans(),
            Enrolment.state.in_(("approved", "nominated", "waiting")),
        )
    )
    for note, event, row in session.execute(query):
        yield DueReminder(
            f"changed:{note.id}:{row.person_id}",
            "changed",
            row.person_id,
            row.division_code,
            f"{event.title}：{note.text}"[:200],
            "/events/mine",
            moment.astimezone(zone).date() + timedelta(days=7),
        )


def _checks(session: Session, today: date) -> Iterator[DueReminder]:
    query = (
        select(Person.id, Person.background_next_due, Post.division_code)
        .join(Post, Post.person_id == Person.id)
        .where(
            in_post_on(today),
            Person.background_next_due.between(today, today + timedelta(days=CHECK_DUE)),
        )
    )
    for person, due, code in session.execute(query):
        assert due  # noqa: S101 (never NULL: the query filters on it)
        yield DueReminder(
            f"check:{person}:{due}",
            "check",
            person,
            code,
            f"您的入职查询 {due.month} 月 {due.day} 日到期，请配合镇（街）办理每年一次的查询。",
            "/archive",
            due,
        )


def is_quiet(moment: datetime, zone: ZoneInfo, quiet_from: int, *, quiet_to: int) -> bool:
    """Whether a moment lies in the quiet hours [`quiet_from`, `quiet_to`), which may span midnight. Never if both are
    equal."""
    local_time = moment.astimezone(zone).time()
    start, end = time(quiet_from % 24), time(quiet_to % 24)
    if start == end:
        return False
    return start <= local_time < end if start < end else local_time >= start or local_time < end
