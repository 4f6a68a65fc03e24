"""Scheduling conflicts: who already has another training at the time of an event."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from training_records.events.models import Enrolment, Event, EventSession

HOLDING = ("nominated", "approved")


def taking_part(session: Session, event: Event) -> list[int]:
    """Ids of the approved participants."""
    query = select(Enrolment.person_id).where(
        Enrolment.event_id == event.id, Enrolment.state == "approved"
    )
    return list(session.scalars(query))


def busy(session: Session, people: Collection[int], event: Event) -> dict[int, str]:
    """Those of the given people who have another training at the time of one of the event's sessions: person to its
    title."""
    other_session, other = aliased(EventSession), aliased(Event)
    conflicts: dict[int, str] = {}
    ids = sorted(people)
    for start in range(0, len(ids), 500):
        query = (
            select(Enrolment.person_id, other.title)
            .join(other, other.id == Enrolment.event_id)
            .join(other_session, other_session.event_id == other.id)
            .join(
                EventSession,
                (EventSession.event_id == event.id)
                & (EventSession.starts_at < other_session.ends_at)
                & (EventSession.ends_at > other_session.starts_at),
            )
            .where(
                Enrolment.person_id.in_(ids[start : start + 500]),
                Enrolment.state.in_(HOLDING),
                other.id != event.id,
                other.state == "open",
            )
        )
        conflicts.update(dict(session.execute(query).all()))
    return conflicts
