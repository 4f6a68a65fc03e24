"""Operations on planning: the annual plan, events and their sessions, quotas, announcing, moving, cancelling."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from training_records.archive.forms import form_key
from training_records.database import now
from training_records.divisions import children, level_of, prefix_of, within
from training_records.errors import NotFound, Refused
from training_records.events.clashes import busy, taking_part
from training_records.events.models import (
    AUDIENCES,
    Attendance,
    Event,
    EventNote,
    EventSession,
    PlanLine,
    Quota,
)

MAX_PEOPLE, MAX_SESSIONS = 5000, 40
EDITABLE = ("title", "audience", "form", "organiser", "place", "capacity", "contact", "note")


def plan_of(session: Session, prefix: str, year: int) -> list[PlanLine]:
    """The plan lines of a division and of those within it, by month."""
    query = select(PlanLine).where(within(PlanLine.division_code, prefix), PlanLine.year == year)
    return list(session.scalars(query.order_by(PlanLine.month, PlanLine.id)))


def add_plan(
    session: Session, division_code: str, year: int, *, by: str, **values: object
) -> PlanLine:
    """Adds a line to the plan. Raises `Refused` if a value is missing or invalid."""
    line = PlanLine(division_code=division_code, year=year, created_by=by, **values)
    if not (line.title or "").strip():
        raise Refused("请填培训名称")
    if line.audience not in AUDIENCES:
        raise Refused("请选给谁培训")
    if not 1 <= int(line.month) <= 12:
        raise Refused("月份填 1 到 12")
    if not 0 < Decimal(line.hours) <= 100:
        raise Refused("学时要在 0 到 100 之间（45 分钟为 1 学时）")
    if not 1 <= int(line.heads) <= MAX_PEOPLE:
        raise Refused(f"人数填 1 到 {MAX_PEOPLE}")
    if not 0 <= Decimal(line.budget) < 10**8:
        raise Refused("经费填多少元，没有就填 0")
    session.add(line)
    session.flush()
    return line


def remove_plan(session: Session, line: PlanLine) -> None:
    """Removes a line from the plan, unless an event was created from it."""
    if session.scalar(select(Event.id).where(Event.plan_id == line.id).limit(1)):
        raise Refused("这一项已经办了班，不能从计划里去掉")
    session.delete(line)
    session.flush()


def create_event(
    session: Session, division_code: str, organiser: str, *, by: str, **values: object
) -> Event:
    """Creates an event in preparation. Raises `Refused` if a value is missing or invalid."""
    event = Event(
        division_code=division_code,
        level=level_of(division_code),
        organiser=organiser,
        secret=secrets.token_hex(32),
        created_by=by,
        **values,
    )
    _check(event)
    session.add(event)
    session.flush()
    note(session, event, "开始筹备", by=by)
    return event


def _check(event: Event) -> None:
    if not event.title.strip():
        raise Refused("请填培训名称")
    if event.audience not in AUDIENCES:
        raise Refused("请选给谁培训")
    if not 1 <= event.capacity <= MAX_PEOPLE:
        raise Refused(f"名额填 1 到 {MAX_PEOPLE}")


# Notes are texts for people; by these words in them those on the list are told what changed.
MOVED, DROPPED, CANCELLED = "”改时间", "去掉“", "取消"


def changes_plans() -> ColumnElement[bool]:
    """SQL: a note says that a session was moved or dropped, or the event cancelled."""
    return (
        EventNote.text.contains(MOVED)
        | EventNote.text.startswith(DROPPED)
        | EventNote.text.startswith(CANCELLED)
    )


def note(
    session: Session, event: Event, text: str, *, by: str, division: str | None = None
) -> None:
    """Adds a line to the event's history; `division` is that of the person it names."""
    line = EventNote(event_id=event.id, text=text[:300], division_code=division, created_by=by)
    session.add(line)
    session.flush()


def notes_of(session: Session, event: Event, prefix: str) -> list[EventNote]:
    """The history of an event, newest first, without lines that name people of other divisions."""
    query = select(EventNote).where(
        EventNote.event_id == event.id,
        or_(EventNote.division_code.is_(None), EventNote.division_code.startswith(prefix)),
    )
    return list(session.scalars(query.order_by(EventNote.id.desc())))


def start_planned(
    session: Session, line: PlanLine, organiser: str, *, by: str, zone: ZoneInfo
) -> Event:
    """Creates an event from a line of the plan; a demonstration training comes with programme and quotas."""
    event = create_event(
        session,
        line.division_code,
        organiser,
        by=by,
        plan_id=line.id,
        title=line.title,
        audience=line.audience,
        form=line.form,
        capacity=line.heads,
        demonstration=line.demonstration,
    )
    if line.demonstration:
        day = date(line.year, line.month, 15)
        _programme(session, event, day, zone=zone)
        share_quotas(session, event, event.capacity)
    return event


# Two days by the course framework (domain: induction to improvement), half a day each.
PROGRAMME = (
    (0, time(9), time(12), "岗位职责和三年行动", "4"),
    (0, time(14), time(17), "摸底走访和一人一档：分组实操", "4"),
    (1, time(9), time(12), "强制报告和应急处置：案例研讨", "4"),
    (1, time(14), time(17), "回去怎么带班：备课和试讲", "4"),
)


def _programme(session: Session, event: Event, day: date, *, zone: ZoneInfo) -> None:
    for after, start, end, title, hours in PROGRAMME:
        on = day + timedelta(days=after)
        session.add(
            EventSession(
                event_id=event.id,
                title=title,
                starts_at=datetime.combine(on, start, zone),
                ends_at=datetime.combine(on, end, zone),
                place=event.place,
                hours=Decimal(hours),
            )
        )
    session.flush()
    session.refresh(event)


def edit(session: Session, event: Event, by: str, *, values: Mapping[str, object]) -> None:
    """Edits the details of an event that is not over."""
    _refuse_over(event)
    changed = [k for k in EDITABLE if k in values and getattr(event, k) != values[k]]
    if form_key(event.form) == form_key(str(values.get("form"))):
        changed = [k for k in changed if k != "form"]
    for name in changed:
        setattr(event, name, values[name])
    _check(event)
    if changed and event.state == "open":
        note(session, event, "发通知后改过基本信息", by=by)
    session.flush()


def _refuse_over(event: Event) -> None:
    if event.state == "filed":
        raise Refused("培训已经归档，不能再改。有错请在档案里更正")
    if event.state == "cancelled":
        raise Refused("培训已经取消")


def add_session(session: Session, event: Event, by: str, **values: object) -> EventSession:
    """Adds a session. Raises `Refused` if its times or hours are invalid."""
    _refuse_over(event)
    if len(event.sessions) >= MAX_SESSIONS:
        raise Refused(f"一次培训最多 {MAX_SESSIONS} 个半天")
    event_session = EventSession(event_id=event.id, **values)
    check_session(event_session)
    session.add(event_session)
    session.flush()
    session.refresh(event)
    if event.state == "open":
        note(session, event, f"加了一节“{event_session.title}”", by=by)
    return event_session


def check_session(event_session: EventSession) -> None:
    """Raises `Refused` if a session's times or hours are invalid."""
    if not event_session.title.strip():
        raise Refused("请填这一节讲什么")
    length = event_session.ends_at - event_session.starts_at
    if length <= timedelta(0):
        raise Refused("结束时间要晚于开始时间，请改正")
    if length > timedelta(hours=12):
        raise Refused("一节不能超过 12 小时。请按半天分开，每半天各签一次到")
    if not 0 < event_session.hours <= 12:
        raise Refused("每节学时要在 0 到 12 之间")
    if float(event_session.hours) * 45 > length.total_seconds() / 60 + 0.5:
        raise Refused(
            f"这一节只有 {int(length.total_seconds() // 60)} 分钟，算不到 {event_session.hours} 学时"
        )


def move_session(
    session: Session,
    event_session: EventSession,
    starts_at: datetime,
    *,
    ends_at: datetime,
    reason: str,
    by: str,
) -> list[int]:
    """Moves a session. Returns the ids of the participants who now have another training at that time.

    Raises `Refused` once somebody has checked in, as attendance must not move with it.
    """
    _refuse_over(event_session.event)
    if not reason.strip():
        raise Refused("请写为什么改时间，会记下来告诉学员")
    signed = select(Attendance.person_id).where(
        Attendance.session_id == event_session.id, Attendance.state != "leave"
    )
    if session.scalar(signed.limit(1)):
        raise Refused("这一节已经有人签到，不能改时间。没上完的另加一节")
    event_session.starts_at, event_session.ends_at = starts_at, ends_at
    check_session(event_session)
    session.flush()
    session.refresh(event_session.event)
    note(session, event_session.event, f"“{event_session.title}{MOVED}：{reason.strip()}", by=by)
    return sorted(busy(session, taking_part(session, event_session.event), event_session.event))


def drop_session(session: Session, event_session: EventSession, reason: str, *, by: str) -> None:
    """Removes a session without attendance or leave."""
    _refuse_over(event_session.event)
    if session.scalar(
        select(Attendance.person_id).where(Attendance.session_id == event_session.id).limit(1)
    ):
        raise Refused("这一节已经有签到或请假记录，不能去掉")
    event = event_session.event
    if event.state == "open":
        if not reason.strip():
            raise Refused("请写为什么去掉这一节")
        note(session, event, f"{DROPPED}{event_session.title}”：{reason.strip()}", by=by)
    session.delete(event_session)
    session.flush()
    session.refresh(event)


def share_quotas(session: Session, event: Event, seats: int) -> None:
    """Distributes seats evenly among the divisions below; the remainder goes to the first ones."""
    below = children(session, event.division_code)
    if not below:
        return
    each, remainder = divmod(seats, len(below))
    set_quotas(session, event, {d.code: each + (n < remainder) for n, d in enumerate(below)})


def set_quotas(session: Session, event: Event, seats: Mapping[str, int]) -> None:
    """Sets how many people each division directly below may send; 0 means none."""
    _refuse_over(event)
    child_codes = {d.code for d in children(session, event.division_code)}
    if not set(seats) <= child_codes:
        raise Refused("名额只能分给直接下一级的区划")
    if any(not 0 <= n <= MAX_PEOPLE for n in seats.values()):
        raise Refused(f"名额填 0 到 {MAX_PEOPLE}")
    current = quotas_of(session, event)
    total = sum({**current, **seats}.values())
    if total > event.capacity:
        raise Refused(f"名额合计 {total}，超过了培训的 {event.capacity} 个名额。请改少一些")
    for code, number in seats.items():
        row = session.get(Quota, (event.id, code))
        if row is None:
            session.add(Quota(event_id=event.id, division_code=code, seats=number))
        else:
            row.seats = number
    session.flush()


def quotas_of(session: Session, event: Event) -> dict[str, int]:
    """Division to seats."""
    query = select(Quota.division_code, Quota.seats).where(Quota.event_id == event.id)
    return dict(session.execute(query.order_by(Quota.division_code)).all())


def announce(session: Session, event: Event, by: str) -> None:
    """Announces an event: opens it to nominations and to its participants."""
    if event.state != "draft":
        raise Refused("通知已经发过了" if event.state == "open" else "培训已经结束")
    if not event.sessions:
        raise Refused("还没有安排课程。请至少加一节，再发通知")
    if not event.place.strip() and form_key(event.form) != "live":
        raise Refused("请先填上课地点")
    event.state = "open"
    note(session, event, "发布通知", by=by)


def cancel(session: Session, event: Event, reason: str, *, by: str) -> int:
    """Cancels an event. Returns how many people had checked in. Their attendance stays and can be filed."""
    _refuse_over(event)
    if not reason.strip():
        raise Refused("请写为什么取消，会告诉报名的人")
    event.state = "cancelled"
    note(session, event, f"{CANCELLED}：{reason.strip()}", by=by)
    signed = (
        select(Attendance.person_id)
        .distinct()
        .where(
            Attendance.session_id.in_([s.id for s in event.sessions]), Attendance.state != "leave"
        )
    )
    return len(session.scalars(signed).all())


def events_for_office(session: Session, prefix: str, limit: int = 100) -> list[Event]:
    """Events of a division and those within it, and announced ones of the divisions above, latest first."""
    above = [prefix[:n].ljust(12, "0") for n in (2, 4, 6, 9) if n < len(prefix)]
    query = select(Event).where(
        or_(
            within(Event.division_code, prefix),
            Event.division_code.in_(above) & (Event.state != "draft"),
        )
    )
    return list(session.scalars(query.order_by(Event.id.desc()).limit(limit)))


def get_event(session: Session, event_id: int, prefix: str) -> Event:
    """An event that an office may see, or NotFound."""
    event = session.get(Event, event_id)
    if event is not None:
        code = event.division_code
        if code.startswith(prefix):
            return event
        if event.state != "draft" and _is_above(code, prefix):
            return event
    raise NotFound("没有这次培训，或不在您的管理范围内")


def _is_above(code: str, prefix: str) -> bool:
    return len(prefix_of(code)) < len(prefix) and prefix.startswith(prefix_of(code))


def own_event(session: Session, event_id: int, prefix: str) -> Event:
    """An event that an office may change: its own or one below, else NotFound."""
    event = get_event(session, event_id, prefix)
    if not event.division_code.startswith(prefix):
        raise NotFound("这次培训是上级办的，这里不能改")
    return event


def get_session(session: Session, event: Event, session_id: int) -> EventSession:
    """A session of an event, or NotFound."""
    for event_session in event.sessions:
        if event_session.id == session_id:
            return event_session
    raise NotFound("没有这一节课")


def is_over(event: Event) -> bool:
    """Whether the last session has ended."""
    return bool(event.sessions) and max(s.ends_at for s in event.sessions) < now()


def get_line(session: Session, line_id: int, division_code: str) -> PlanLine:
    """A line of a division's own plan, or NotFound."""
    line = session.get(PlanLine, line_id)
    if line is None or line.division_code != division_code:
        raise NotFound("没有这项计划，或不是您这里的")
    return line


def begun(session: Session, lines: Sequence[PlanLine]) -> dict[int | None, Event]:
    """Id of a plan line to the event created from it."""
    query = select(Event).where(Event.plan_id.in_([line.id for line in lines]))
    return {event.plan_id: event for event in session.scalars(query)}


def parent_of(session: Session, event: Event) -> Event | None:
    """The demonstration training that an event repeats."""
    return session.get(Event, event.parent_id) if event.parent_id else None


def announced_event(session: Session, event_id: int) -> Event:
    """An announced event, or NotFound."""
    event = session.get(Event, event_id)
    if event is None or event.state == "draft":
        raise NotFound("没有这次培训")
    return event


def announced_session(session: Session, session_id: int) -> EventSession:
    """A session of an announced event, or NotFound."""
    event_session = session.get(EventSession, session_id)
    if event_session is None or event_session.event.state == "draft":
        raise NotFound("没有这一节课。请重新扫大屏上的码")
    return event_session
