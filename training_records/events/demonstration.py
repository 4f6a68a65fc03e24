"""The city's demonstration training (青21#20: at least once a year), and the trainings in which districts repeat it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from training_records.divisions import within
from training_records.events.attendance import CAME, came_by_division, people_reached
from training_records.events.models import Attendance, Event, EventSession, PlanLine
from training_records.events.planning import quotas_of


@dataclass(frozen=True)
class Repeat:
    """A training that repeats the demonstration: how many people it reached, and how many of its teachers attended the
    demonstration."""

    event: Event
    reached: int
    teachers: int


@dataclass(frozen=True)
class Demonstration:
    """A demonstration training: seats and attendance by division, and the trainings that repeat it."""

    event: Event
    quotas: Mapping[str, int]
    came: Mapping[str, int]
    repeats: Sequence[Repeat]


def demonstrations(
    session: Session, prefix: str, year: int, *, zone: ZoneInfo
) -> list[Demonstration]:
    """The demonstration trainings of a year."""
    query = select(Event).where(
        within(Event.division_code, prefix), Event.demonstration, Event.state != "cancelled"
    )
    trainings = []
    for event in session.scalars(query.order_by(Event.id)):
        if _year(session, event, zone) == year:
            below = select(Event).where(Event.parent_id == event.id, Event.state != "cancelled")
            repeats = [
                Repeat(e, people_reached(session, e), _trained(session, e, event))
                for e in session.scalars(below.order_by(Event.id))
            ]
            came = came_by_division(session, event)
            trainings.append(Demonstration(event, quotas_of(session, event), came, repeats))
    return trainings


def _year(session: Session, event: Event, zone: ZoneInfo) -> int:
    if event.sessions:
        return event.sessions[0].starts_at.astimezone(zone).year
    planned = session.get(PlanLine, event.plan_id) if event.plan_id else None
    return planned.year if planned else event.created_at.year


def _trained(session: Session, event: Event, parent: Event) -> int:
    teachers = select(EventSession.teacher_id).where(EventSession.event_id == event.id)
    came = (
        select(Attendance.person_id)
        .distinct()
        .where(
            Attendance.person_id.in_(teachers),
            Attendance.session_id.in_([s.id for s in parent.sessions]),
            Attendance.state.in_(CAME),
        )
    )
    return len(session.scalars(came).all())


def repeatable(session: Session, prefix: str) -> list[Event]:
    """Demonstration trainings of the divisions above that a division can repeat, latest first."""
    above = [prefix[:n].ljust(12, "0") for n in (2, 4, 6) if n < len(prefix)]
    query = select(Event).where(
        Event.division_code.in_(above), Event.demonstration, Event.state.in_(("open", "filed"))
    )
    return list(session.scalars(query.order_by(Event.id.desc()).limit(10)))
