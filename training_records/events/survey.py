"""The anonymous survey after an event: one answer per person, too few answers not shown."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import mean

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from training_records.database import insert_missing, now
from training_records.errors import NotFound, Refused
from training_records.events.attendance import CAME
from training_records.events.models import (
    Attendance,
    Enrolment,
    Event,
    EventSession,
    SurveyAnswer,
    SurveyGiven,
)
from training_records.events.planning import announced_event

QUESTIONS = {
    "content": "讲的内容",
    "teacher": "老师讲课",
    "organisation": "组织安排",
    "usefulness": "对工作有没有用",
}
MARKS = {5: "很满意", 4: "满意", 3: "一般", 2: "不太满意", 1: "不满意"}
MIN_ANSWERS = 5


@dataclass(frozen=True)
class Results:
    """Mean mark by question (1–5), share of marks 4 and 5, comments; empty below five answers."""

    answers: int
    means: Mapping[str, float]
    satisfied: float | None
    comments: tuple[str, ...]


def event_of(session: Session, event_id: int, person_id: int) -> Event:
    """An event that a person is or was on the list of, or came to; NotFound otherwise."""
    came = (
        select(Attendance.person_id)
        .join(EventSession, EventSession.id == Attendance.session_id)
        .where(EventSession.event_id == event_id, Attendance.person_id == person_id)
    )
    listed = session.get(Enrolment, (event_id, person_id)) is not None
    event = announced_event(session, event_id)
    if not listed and session.scalar(came.limit(1)) is None:
        raise NotFound("没有这次培训")
    return event


def may_answer(session: Session, event: Event, person_id: int) -> bool:
    """Whether a person came to a session and has not answered yet."""
    if not event.sessions or event.state not in ("open", "filed"):
        return False
    if session.get(SurveyGiven, (event.id, person_id)) is not None:
        return False
    if min(s.ends_at for s in event.sessions) > now():
        return False
    query = select(Attendance.person_id).where(
        Attendance.person_id == person_id,
        Attendance.session_id.in_([s.id for s in event.sessions]),
        Attendance.state.in_(CAME),
    )
    return session.scalar(query.limit(1)) is not None


def answer(
    session: Session, event: Event, person_id: int, *, marks: Mapping[str, int], comment: str
) -> None:
    """Records an answer, once per person. Raises `Refused` if a mark is missing or the person has answered already."""
    if not may_answer(session, event, person_id):
        raise Refused("您已经填过了，或没有参加这次培训")
    if set(marks) != set(QUESTIONS) or any(m not in MARKS for m in marks.values()):
        raise Refused("请每一项都选一个")
    if not insert_missing(session, SurveyGiven, event_id=event.id, person_id=person_id):
        raise Refused("您已经填过了")
    session.add(
        SurveyAnswer(
            key=secrets.token_hex(16),
            event_id=event.id,
            comment=" ".join(comment.split())[:300] or None,
            **marks,
        )
    )
    session.flush()


def results(session: Session, event: Event) -> Results:
    """Aggregates the answers; empty while they are too few to hide who said what."""
    rows = session.scalars(select(SurveyAnswer).where(SurveyAnswer.event_id == event.id)).all()
    if len(rows) < MIN_ANSWERS:
        return Results(len(rows), {}, None, ())
    means = {q: mean(getattr(r, q) for r in rows) for q in QUESTIONS}
    marks = [getattr(r, q) for r in rows for q in QUESTIONS]
    # In the order of random keys, not of arrival.
    comments = tuple(r.comment for r in sorted(rows, key=lambda r: r.key) if r.comment)
    return Results(len(rows), means, sum(m >= 4 for m in marks) / len(marks), comments)


def asked(session: Session, event: Event) -> int:
    """Number of people who could answer."""
    query = select(func.count(Attendance.person_id.distinct())).where(
        Attendance.session_id.in_([s.id for s in event.sessions]), Attendance.state.in_(CAME)
    )
    return session.scalar(query) or 0
