"""Operations on attendance: rotating codes, check-in, leave and make-up, numbers entered afterwards."""

from __future__ import annotations

import base64
import hmac
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from training_records.choices import choice
from training_records.database import insert_missing, now
from training_records.divisions import ancestor, level_of
from training_records.errors import Refused
from training_records.events import planning
from training_records.events.models import (
    Attendance,
    AttendanceState,
    CheckIn,
    Enrolment,
    Event,
    EventSession,
)
from training_records.ledger.models import Person
from training_records.ledger.service import current_post

# A code is valid for 30 to 60 seconds. Check-in opens 60 minutes before a session; it is late after 15 minutes.
STEP, LATE, EARLY = 30, timedelta(minutes=15), timedelta(minutes=60)
CAME = ("present", "late", "made_up")
# States that can be set by hand.
MARKS: tuple[AttendanceState | Literal["absent"], ...] = (
    "present",
    "late",
    "made_up",
    "leave",
    "absent",
)
BELOW = {"city": "district", "district": "town", "town": "village"}


def code_at(event: Event, session_id: int, moment: datetime) -> str:
    """Returns the code of a session at a moment, a keyed hash of the half minute."""
    return _code(event, session_id, int(moment.timestamp()) // STEP)


def _code(event: Event, session_id: int, step: int) -> str:
    digest = hmac.digest(event.secret.encode(), f"{session_id}:{step}".encode(), "sha256")
    return base64.b32encode(digest)[:12].decode().lower()


def code_holds(event: Event, session_id: int, code: str, *, moment: datetime) -> bool:
    """Whether a code is that of the current half minute or the one before."""
    step = int(moment.timestamp()) // STEP
    presented = code.lower().encode()
    return any(
        [
            hmac.compare_digest(_code(event, session_id, s).encode(), presented)
            for s in (step, step - 1)
        ]
    )


def check_in_open(event_session: EventSession, moment: datetime) -> bool:
    """Whether a session is open for check-in."""
    return event_session.starts_at - EARLY <= moment <= event_session.ends_at


def check_in(
    session: Session, event_session: EventSession, person_id: int, *, how: CheckIn, by: str
) -> tuple[AttendanceState, bool]:
    """Checks a person in. Returns (present, late or unlisted; whether they were checked in already). Counts once,
    safely under concurrency. Raises `Refused` outside the check-in time and for events that are not open."""
    moment, event = now(), event_session.event
    if event.state != "open":
        raise Refused("这次培训已经取消" if event.state == "cancelled" else "这次培训现在不能签到")
    if not check_in_open(event_session, moment):
        early = moment < event_session.starts_at
        raise Refused(
            "还没到签到时间，开课前 60 分钟开始签到" if early else "这一节已经结束，不能再签到"
        )
    enrolled = session.scalar(
        select(Enrolment.state).where(
            Enrolment.event_id == event.id, Enrolment.person_id == person_id
        )
    )
    state: AttendanceState = "present" if moment <= event_session.starts_at + LATE else "late"
    if enrolled != "approved":
        state = "unlisted"
    values = {"state": state, "how": how, "recorded_at": moment, "recorded_by": by}
    if insert_missing(
        session, Attendance, session_id=event_session.id, person_id=person_id, **values
    ):
        return state, False
    row = session.get_one(Attendance, (event_session.id, person_id), populate_existing=True)
    if row.state == "leave":
        # Attendance overrides a leave noted before.
        row.state, row.how, row.recorded_at, row.recorded_by = state, how, moment, by
        session.flush()
        return state, False
    return row.state, True


@dataclass
class Typed:
    """The result of entering numbers: checked in, checked in before, numbers that nobody has."""

    signed: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def check_in_numbers(
    session: Session, event_session: EventSession, text: str, *, late: bool, by: str
) -> Typed:
    """Checks in the numbers from a paper sheet, with any separators; `5-9` are five numbers."""
    if event_session.event.state not in ("open", "cancelled"):
        raise Refused("培训已经归档，不能再补签到")
    if event_session.starts_at > now():
        raise Refused("这一节还没开始，不能补签到")
    wanted: list[int] = []
    for part in re.findall(r"\d+\s*[-~—至]\s*\d+|\d+", text):
        ends = [int(n) for n in re.findall(r"\d{1,6}", part)]
        if len(ends) == 2 and not 0 <= ends[1] - ends[0] <= 1000:
            raise Refused(f"“{part}”前面的编号要比后面的小")
        wanted += range(ends[0], ends[-1] + 1)
    if not wanted:
        raise Refused("请写上编号，例如 1-20、23、25")
    if len(wanted) > 5000:
        raise Refused("一次最多 5000 个编号")
    query = (
        select(Enrolment.number, Person.id, Person.name)
        .join(Person, Person.id == Enrolment.person_id)
        .where(Enrolment.event_id == event_session.event_id, Enrolment.state == "approved")
    )
    known = {number: (person, name) for number, person, name in session.execute(query)}
    result = Typed()
    for number in dict.fromkeys(wanted):
        if number not in known:
            result.unknown.append(str(number))
            continue
        person, name = known[number]
        row = session.get(Attendance, (event_session.id, person))
        if row is not None and row.state != "leave":
            result.again.append(name)
            continue
        mark(
            session,
            event_session,
            person,
            state="late" if late else "present",
            note="",
            by=by,
            how="number",
        )
        result.signed.append(name)
    session.flush()
    return result


def mark(
    session: Session,
    event_session: EventSession,
    person_id: int,
    *,
    state: str,
    note: str,
    by: str,
    how: CheckIn = "hand",
) -> None:
    """Sets attendance by hand: present, late, leave or made up (with a note); absent reverts a mistake."""
    if event_session.event.state == "filed":
        raise Refused("培训已经归档。有错请在这个人的档案里更正")
    marked = choice(MARKS, state, "只能登记到课、迟到、请假、补课或缺课")
    if marked in ("leave", "made_up") and not note.strip():
        raise Refused("请写请假原因" if marked == "leave" else "请写什么时候、怎么补的课")
    if marked != "leave" and event_session.starts_at > now():
        raise Refused("这一节还没开始，只能先登记请假")
    row = session.get(Attendance, (event_session.id, person_id))
    if marked == "absent":
        if row is not None:
            _log(session, event_session, person_id, what="改为缺课", note=note, by=by)
            session.delete(row)
            session.flush()
        return
    if row is None:
        row = Attendance(session_id=event_session.id, person_id=person_id)
        session.add(row)
    elif how == "hand" and row.state != marked:
        _log(session, event_session, person_id, what=f"改为{marked}", note=note, by=by)
    row.state, row.how, row.recorded_at, row.recorded_by = marked, how, now(), by
    row.note = note.strip()[:200] or None
    session.flush()


def _log(
    session: Session, event_session: EventSession, person_id: int, *, what: str, note: str, by: str
) -> None:
    name = session.get_one(Person, person_id).name
    text = f"{event_session.title}：{name}{what}" + (f"（{note.strip()}）" if note.strip() else "")
    event = event_session.event
    row = session.get(Enrolment, (event.id, person_id))
    planning.note(session, event, text, by=by, division=(row or event).division_code)


def attendance_of(session: Session, event: Event) -> dict[int, dict[int, Attendance]]:
    """Person to session to attendance."""
    query = select(Attendance).where(Attendance.session_id.in_([s.id for s in event.sessions]))
    by_person: dict[int, dict[int, Attendance]] = {}
    for row in session.scalars(query):
        by_person.setdefault(row.person_id, {})[row.session_id] = row
    return by_person


def counts(session: Session, event_session: EventSession) -> dict[str, int]:
    """Number of people by state in a session, for the board at the door."""
    query = select(Attendance.state, func.count()).where(Attendance.session_id == event_session.id)
    return dict(session.execute(query.group_by(Attendance.state)).all())


def unlisted(session: Session, event: Event) -> list[tuple[Person, list[EventSession]]]:
    """People who checked in without being on the list, with the sessions."""
    people: dict[int, list[EventSession]] = {}
    sessions = {s.id: s for s in event.sessions}
    for person, rows in attendance_of(session, event).items():
        attended = [sessions[s] for s, row in rows.items() if row.state == "unlisted"]
        if attended:
            people[person] = attended
    named = session.scalars(select(Person).where(Person.id.in_(people)).order_by(Person.id))
    return [(p, people[p.id]) for p in named]


def admit(session: Session, event: Event, person_id: int, *, by: str, today: date) -> None:
    """Adds a person who came without being on the list; the sessions they checked in to count."""
    if event.state != "open":
        raise Refused("培训已经结束，名单不能再动")
    post = current_post(session, person_id, today)
    if post is None:
        raise Refused("这个人现在没有在任记录，不能补进名单")
    rows = attendance_of(session, event).get(person_id, {})
    if not any(r.state == "unlisted" for r in rows.values()):
        raise Refused("这个人没有名单外的签到")
    highest = session.scalar(
        select(func.max(Enrolment.number)).where(Enrolment.event_id == event.id)
    )
    enrolment = session.get(Enrolment, (event.id, person_id))
    if enrolment is None:
        enrolment = Enrolment(event_id=event.id, person_id=person_id)
        session.add(enrolment)
    enrolment.state, enrolment.division_code = "approved", post.division_code
    enrolment.number = enrolment.number or (highest or 0) + 1
    enrolment.reason, enrolment.updated_by, enrolment.updated_at = "现场补录", by, now()
    starts = {s.id: s.starts_at for s in event.sessions}
    for number, row in rows.items():
        if row.state == "unlisted":
            row.state = "present" if row.recorded_at <= starts[number] + LATE else "late"
    session.flush()


def hours_of(event: Event, rows: dict[int, Attendance]) -> Decimal:
    """Credit hours of one person: those of the sessions they attended or made up."""
    return sum(
        (s.hours for s in event.sessions if s.id in rows and rows[s.id].state in CAME), Decimal(0)
    )


def came_by_division(session: Session, event: Event) -> dict[str, int]:
    """People who came to at least one session, by division below the event's."""
    level = BELOW.get(level_of(event.division_code), "village")
    query = (
        select(Enrolment.person_id, Enrolment.division_code)
        .join(Attendance, Attendance.person_id == Enrolment.person_id)
        .where(
            Enrolment.event_id == event.id,
            Attendance.session_id.in_([s.id for s in event.sessions]),
            Attendance.state.in_(CAME),
        )
        .distinct()
    )
    return Counter(ancestor(code, level) for _, code in session.execute(query))  # type: ignore[arg-type]


def people_reached(session: Session, event: Event) -> int:
    """Number of people who came to at least one session."""
    return sum(came_by_division(session, event).values())


def sessions_on(session: Session, events: Sequence[Event], moment: datetime) -> list[EventSession]:
    """Sessions of events that are open for check-in."""
    return [s for e in events if e.state == "open" for s in e.sessions if check_in_open(s, moment)]
