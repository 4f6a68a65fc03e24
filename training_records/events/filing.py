"""Filing an event: one archive entry for everyone who came, in one confirmed step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from training_records.archive.forms import form_label
from training_records.archive.service import NewEntry, append_many
from training_records.database import now
from training_records.errors import Refused
from training_records.events.attendance import CAME, attendance_of, hours_of
from training_records.events.enrolment import roll
from training_records.events.models import Event, EventSession
from training_records.events.planning import note
from training_records.ledger.models import Person


@dataclass(frozen=True)
class DueFiling:
    """What would be filed for a person: sessions attended, credit hours."""

    person: Person
    number: int | None
    sessions: int
    hours: Decimal


def _held(event: Event) -> list[EventSession]:
    return [s for s in event.sessions if s.ends_at <= now()]


def day_of(event: Event, zone: ZoneInfo) -> date | None:
    """The date under which an event is filed: that of the last session that took place."""
    held = _held(event)
    return max(s.ends_at for s in held).astimezone(zone).date() if held else None


def preview(session: Session, event: Event) -> tuple[list[DueFiling], list[Person]]:
    """Returns who gets how many hours, and who on the list gets none."""
    came = attendance_of(session, event)
    due: list[DueFiling] = []
    absent: list[Person] = []
    for row, person in roll(session, event):
        if row.state != "approved":
            continue
        rows = came.get(person.id, {})
        hours = hours_of(event, rows)
        if hours:
            sessions = sum(r.state in CAME for r in rows.values())
            due.append(DueFiling(person, row.number, sessions, hours))
        else:
            absent.append(person)
    return due, absent


def file_event(
    session: Session, event: Event, confirmed_by: str, *, by: str, zone: ZoneInfo
) -> int:
    """Files the event for everyone who came. Returns how many; repeating it files nothing. A cancelled event can be
    filed for the sessions that took place.

    `confirmed_by`: the name of the person who checked the list. Raises `Refused` before the last session is over.
    """
    if event.state == "filed":
        return 0
    if event.state not in ("open", "cancelled"):
        raise Refused("培训还没有办，不能归档")
    if not confirmed_by.strip():
        raise Refused("请填核对名单的人")
    held = _held(event)
    if not held or (event.state == "open" and len(held) < len(event.sessions)):
        raise Refused("课还没有上完，上完最后一节再归档")
    day = day_of(event, zone)
    assert day  # noqa: S101 (a session took place)
    due, _ = preview(session, event)
    if not due:
        raise Refused("没有一个人签到，没有可以归档的。请先补上纸面签到")
    entries = [
        NewEntry(
            filing.person.id,
            "training",
            day,
            event.title,
            level=event.level,
            form=form_label(event.form),
            organiser=event.organiser,
            hours=filing.hours,
            evidence={
                "event": event.id,
                "sessions": filing.sessions,
                "confirmed_by": confirmed_by.strip()[:40],
            },
            source_key=f"event:{event.id}:{filing.person.id}",
        )
        for filing in due
    ]
    append_many(session, entries, by)
    previous_state = event.state
    event.state, event.filed_at, event.filed_by = "filed", now(), confirmed_by.strip()[:40]
    cut = "，只记取消以前上过的课" if previous_state == "cancelled" else ""
    note(session, event, f"归档 {len(due)} 人{cut}，核对人{confirmed_by.strip()[:40]}", by=by)
    return len(due)
