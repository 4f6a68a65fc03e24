"""Verbs of the invigilator and the office: board, extensions, voiding, reopening, release, sweep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from exam_app.audit.models import AuditEntry
from exam_app.audit.service import record_many
from exam_app.exams.errors import Closed
from exam_app.exams.models import (
    Accommodation,
    Answer,
    Attempt,
    AttemptEvent,
    AttemptState,
    Exam,
    ExamForm,
    Sitting,
)
from exam_app.exams.results import due, release, void_result
from exam_app.exams.saving import GRACE
from exam_app.exams.service import close_if_overdue
from exam_app.exams.slots import slots
from exam_app.exams.states import move, note
from training_records.database import now
from training_records.divisions import get_division, prefix_of, within
from training_records.errors import NotFound, Refused
from training_records.ledger.models import Person, Post
from training_records.ledger.service import ids_in, places_in

MAX_MINUTES = 240
QUIET = timedelta(minutes=3)
SWEEP_BATCH, COPY_BATCH = 50, 500


@dataclass(frozen=True)
class BoardRow:
    """One attempt on the invigilation board.

    `quiet`: no save for some minutes; `left`: how often the page was left.
    """

    attempt_id: int
    name: str
    village: str
    state: AttemptState
    started_at: datetime
    deadline: datetime
    answered: int
    questions: int
    last_save: datetime | None
    quiet: bool
    left: int


def board(session: Session, exam: Exam, prefix: str) -> list[BoardRow]:
    """All attempts of an exam by people within a code prefix, those in progress first."""
    sizes = {
        form.id: len(slots(form))
        for form in session.scalars(select(ExamForm).where(ExamForm.exam_id == exam.id))
    }
    saves = (
        select(
            Answer.attempt_id,
            func.count(Answer.response).label("answered"),
            func.max(Answer.saved_at).label("last"),
        )
        .join(Attempt, Attempt.id == Answer.attempt_id)
        .where(Attempt.exam_id == exam.id)
        .group_by(Answer.attempt_id)
        .subquery()
    )
    division = places_in(prefix)
    query = (
        select(Attempt, Person.name, division.c.code, saves.c.answered, saves.c.last)
        .join(Person, Person.id == Attempt.person_id)
        .join(division, division.c.person_id == Attempt.person_id)
        .outerjoin(saves, saves.c.attempt_id == Attempt.id)
        .where(Attempt.exam_id == exam.id)
    )
    at, rows = now(), []
    for attempt, name, code, answered, last in session.execute(query):
        running = attempt.state == "in_progress"
        rows.append(
            BoardRow(
                attempt.id,
                name,
                code,
                attempt.state,
                attempt.started_at,
                attempt.deadline,
                answered or 0,
                sizes[attempt.form_id],
                last,
                running and at - max(last or attempt.started_at, attempt.started_at) > QUIET,
                attempt.left_count,
            )
        )
    return sorted(rows, key=lambda r: (r.state != "in_progress", not r.quiet, r.village, r.name))


def attempt_within(session: Session, attempt_id: int, prefix: str) -> Attempt:
    """An attempt by a person within a code prefix, locked; NotFound otherwise."""
    attempt = session.scalar(
        select(Attempt)
        .join(Post, Post.person_id == Attempt.person_id)
        .where(Attempt.id == attempt_id, within(Post.division_code, prefix))
        .with_for_update(of=Attempt)
        .limit(1)
    )
    if attempt is None:
        raise NotFound("没有这次作答，或不在您的管理范围内")
    return attempt


def extend(session: Session, attempt: Attempt, minutes: int, *, actor: str, reason: str) -> None:
    """Extends the deadline of an attempt in progress, beyond the end of the window if need be."""
    _require_reason(reason)
    if not 1 <= minutes <= MAX_MINUTES:
        raise Refused(f"延长的时间要在 1 到 {MAX_MINUTES} 分钟之间")
    if attempt.state != "in_progress":
        raise Closed("这次作答已经结束，不能再延长")
    attempt.deadline = max(attempt.deadline, now()) + timedelta(minutes=minutes)
    note(
        session,
        attempt,
        attempt.state,
        actor=actor,
        at=now(),
        reason=f"延长 {minutes} 分钟：{reason}"[:200],
    )


def extend_all(
    session: Session, exam: Exam, prefix: str, *, minutes: int, actor: str, reason: str
) -> int:
    """Extends every attempt in progress; returns how many."""
    query = (
        select(Attempt)
        .where(Attempt.exam_id == exam.id, Attempt.state == "in_progress")
        .where(Attempt.person_id.in_(ids_in(prefix)))
        .order_by(Attempt.id)
        .with_for_update()
    )
    attempts = session.scalars(query).all()
    for attempt in attempts:
        extend(session, attempt, minutes, actor=actor, reason=reason)
    return len(attempts)


def void_attempt(session: Session, attempt: Attempt, actor: str, *, reason: str) -> None:
    """Voids an attempt and its archive entries. The record stays but no longer counts."""
    _require_reason(reason)
    move(session, attempt, "voided", actor=actor, at=now(), reason=reason)
    void_result(session, attempt, f"考试作废：{reason}"[:200], by=actor)


def reopen(session: Session, attempt: Attempt, minutes: int, *, actor: str, reason: str) -> None:
    """Reopens an attempt whose time ran out before anything was answered."""
    _require_reason(reason)
    if not 1 <= minutes <= MAX_MINUTES:
        raise Refused(f"时间要在 1 到 {MAX_MINUTES} 分钟之间")
    move(session, attempt, "in_progress", actor=actor, at=now(), reason=reason)
    attempt.deadline = now() + timedelta(minutes=minutes)
    session.flush()


def release_all(session: Session, exam: Exam, actor: str, *, zone: ZoneInfo) -> int:
    """Releases the results of all marked attempts of an exam; returns how many."""
    query = select(Attempt).where(Attempt.exam_id == exam.id, Attempt.state == "marked")
    attempts = session.scalars(query.order_by(Attempt.id).with_for_update()).all()
    for attempt in attempts:
        release(session, attempt, actor, at=now(), zone=zone)
    return len(attempts)


def add_sitting(
    session: Session,
    exam: Exam,
    *,
    title: str,
    place: str | None,
    opens_at: datetime,
    closes_at: datetime,
    capacity: int | None,
    division_code: str,
    make_up: bool,
) -> Sitting:
    """Adds a sitting to an exam. `Refused` for an empty window or a division outside the exam's.

    The exam's window is extended when the sitting closes later.
    """
    if closes_at <= opens_at:
        raise Refused("场次的结束时间要晚于开始时间，请改正")
    if not division_code.startswith(prefix_of(exam.division_code)):
        raise Refused("这个区划不在考试的范围内")
    get_division(session, division_code)
    sitting = Sitting(
        exam_id=exam.id,
        title=title,
        place=place or None,
        opens_at=opens_at,
        closes_at=closes_at,
        capacity=capacity,
        division_code=division_code,
        make_up=make_up,
    )
    session.add(sitting)
    exam.closes_at = max(exam.closes_at, closes_at)
    session.flush()
    session.expire(exam, ["sittings"])
    return sitting


def grant(
    session: Session,
    exam: Exam,
    person: Person,
    *,
    extra_minutes: int,
    large_print: bool,
    reason: str,
    actor: str,
) -> Accommodation:
    """Grants one person extra time or large print; takes effect from the next start."""
    _require_reason(reason)
    if not 0 <= extra_minutes <= MAX_MINUTES:
        raise Refused(f"多给的时间要在 0 到 {MAX_MINUTES} 分钟之间")
    accommodation = session.get(Accommodation, (exam.id, person.id))
    if accommodation is None:
        accommodation = Accommodation(exam_id=exam.id, person_id=person.id)
        session.add(accommodation)
    accommodation.extra_minutes, accommodation.large_print = extra_minutes, large_print
    accommodation.reason, accommodation.granted_by = reason, actor
    session.flush()
    return accommodation


def sweep(session: Session, zone: ZoneInfo) -> int:
    """Closes overdue attempts and releases due results; returns how many.

    Each attempt has its own transaction, so that several processes may sweep at once.
    """
    overdue = session.scalars(
        select(Attempt.id)
        .where(Attempt.state == "in_progress", Attempt.deadline < now() - GRACE)
        .limit(SWEEP_BATCH)
    ).all()
    session.rollback()
    done = 0
    for attempt_id in overdue:
        done += close_if_overdue(session, session.get_one(Attempt, attempt_id), zone)
        session.commit()
    return done + _release_due(session, zone)


def copy_events(session: Session) -> int:
    """Copies attempt events to the audit log, each once; returns how many.

    Done in the background: the log's hash chain is appended serially, and examinees' requests must
    not wait for it.
    """
    query = select(AttemptEvent).where(~AttemptEvent.audited).order_by(AttemptEvent.id)
    session.connection(execution_options={"read_only": True})
    first_pending = session.scalar(query.with_only_columns(AttemptEvent.id).limit(1))
    session.rollback()
    if first_pending is None:
        return 0
    events = session.scalars(query.limit(COPY_BATCH).with_for_update(skip_locked=True)).all()
    record_many(
        session,
        [
            AuditEntry(
                created_at=now(),
                created_by=event.created_by,
                scope="",
                action="attempt.state",
                subject=f"attempt:{event.attempt_id}",
                detail={
                    "at": event.created_at.isoformat(),
                    "before": event.before,
                    "after": event.after,
                    "reason": event.reason,
                },
            )
            for event in events
        ],
    )
    for event in events:
        event.audited = True
    session.commit()
    return len(events)


def _release_due(session: Session, zone: ZoneInfo) -> int:
    attempt_ids: Sequence[int] = session.scalars(
        select(Attempt.id)
        .join(Exam)
        .where(Attempt.state == "marked", Exam.release == "at_time", Exam.release_at <= now())
        .limit(SWEEP_BATCH)
    ).all()
    session.rollback()
    done = 0
    for attempt_id in attempt_ids:
        attempt = session.scalars(
            select(Attempt).where(Attempt.id == attempt_id).with_for_update(of=Attempt)
        ).one()
        if attempt.state == "marked" and due(attempt.exam, now()):
            release(session, attempt, "system", at=now(), zone=zone)
            done += 1
        session.commit()
    return done


def grants_of(session: Session, exam: Exam, prefix: str) -> Sequence[Row[Accommodation, str]]:
    """(accommodation, name) for an exam, of people within a code prefix."""
    return session.execute(
        select(Accommodation, Person.name)
        .join(Person, Person.id == Accommodation.person_id)
        .where(Accommodation.exam_id == exam.id, Accommodation.person_id.in_(ids_in(prefix)))
    ).all()


def _require_reason(text: str) -> None:
    if not text.strip():
        raise Refused("请写明原因")
