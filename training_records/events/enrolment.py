"""Operations on enrolment: nominate within the quota, approve, decline, waiting list, withdraw; no overlapping
trainings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from training_records.database import now
from training_records.divisions import prefix_of, within
from training_records.errors import NotFound, Refused
from training_records.events.clashes import HOLDING, busy, taking_part
from training_records.events.models import Attendance, Enrolment, EnrolmentState, Event
from training_records.events.planning import note, quotas_of
from training_records.ledger.models import Person, Post
from training_records.ledger.service import in_post_on


@dataclass
class Nominated:
    """The result of a nomination: taken, put on the waiting list, already on the list, refused with reasons."""

    taken: list[int] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    there: list[int] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)


def _branch(event: Event, quotas: dict[str, int], code: str) -> str | None:
    """Returns the division whose quota a post draws on."""
    return next((d for d in quotas if code.startswith(prefix_of(d))), None)


def nominate(
    session: Session,
    event: Event,
    people: Sequence[int],
    *,
    prefix: str,
    by: str,
    today: date,
    own: bool,
) -> Nominated:
    """Adds people to the list: approved at once by the event's own office (`own`), otherwise pending approval; beyond
    the quota or the capacity, on the waiting list. Locks the event, so that concurrent nominations can't overdraw a
    quota."""
    if event.state != "open":
        raise Refused("通知发布以后才能报名单" if event.state == "draft" else "培训已经结束")
    if event.nominate_by and now() > event.nominate_by and not own:
        raise Refused("报名已经截止。要加人请联系主办单位")
    session.scalar(select(Event.id).where(Event.id == event.id).with_for_update())
    result, quotas = Nominated(), quotas_of(session, event)
    wanted = list(dict.fromkeys(people))
    posts = _posts(session, wanted, today)
    rows = {
        e.person_id: e
        for e in session.scalars(select(Enrolment).where(Enrolment.event_id == event.id))
    }
    used = Counter(
        _branch(event, quotas, e.division_code) for e in rows.values() if e.state in HOLDING
    )
    held = sum(used.values())
    clash = busy(session, wanted, event)
    for person in wanted:
        role_code = posts.get(person)
        enrolment = rows.get(person)
        if role_code is None or not role_code[1].startswith(prefix):
            result.refused.append((person, "现在没有在任记录，或不在您的管理范围内"))
        elif event.audience not in ("both", role_code[0]):
            result.refused.append((person, "不是这次培训的对象"))
        elif enrolment is not None and enrolment.state in (*HOLDING, "waiting"):
            result.there.append(person)
        elif person in clash:
            result.refused.append((person, f"同一时间已报了“{clash[person]}”"))
        else:
            branch = _branch(event, quotas, role_code[1])
            within_quota = not quotas or (branch is not None and used[branch] < quotas[branch])
            has_room = held < event.capacity and within_quota
            state: EnrolmentState = ("approved" if own else "nominated") if has_room else "waiting"
            if enrolment is None:
                enrolment = Enrolment(
                    event_id=event.id, person_id=person, updated_by=by, state=state
                )
                session.add(enrolment)
            enrolment.state, enrolment.updated_by, enrolment.updated_at = state, by, now()
            enrolment.division_code, enrolment.reason = role_code[1], None
            if has_room:
                used[branch] += 1
                held += 1
                result.taken.append(person)
            else:
                result.waiting.append(person)
            if state == "approved":
                _number(session, event, enrolment)
    session.flush()
    return result


def _posts(session: Session, people: Sequence[int], on: date) -> dict[int, tuple[str, str]]:
    posts: dict[int, tuple[str, str]] = {}
    for start in range(0, len(people), 500):
        query = select(Post.person_id, Post.role, Post.division_code).where(
            Post.person_id.in_(people[start : start + 500]),
            in_post_on(on),
        )
        for person, role, code in session.execute(query.order_by(Post.start.desc())):
            posts.setdefault(person, (role, code))
    return posts


def _number(session: Session, event: Event, row: Enrolment) -> None:
    if row.number is None:
        session.flush()
        highest = session.scalar(
            select(func.max(Enrolment.number)).where(Enrolment.event_id == event.id)
        )
        row.number = (highest or 0) + 1
        session.flush()


def get_enrolment(session: Session, event: Event, person_id: int) -> Enrolment:
    """A person's enrolment in an event, or NotFound."""
    row = session.get(Enrolment, (event.id, person_id))
    if row is None:
        raise NotFound("名单里没有这个人")
    return row


def decide(
    session: Session, event: Event, people: Sequence[int], *, approved: bool, reason: str, by: str
) -> int:
    """Approves or declines people nominated or waiting. Returns how many. Raises `Refused` beyond the capacity."""
    if event.state != "open":
        raise Refused("培训不在报名阶段，名单不能再动")
    if not approved and not reason.strip():
        raise Refused("不录取要写原因，会告诉报名的单位")
    session.scalar(select(Event.id).where(Event.id == event.id).with_for_update())
    rows = [get_enrolment(session, event, person) for person in people]
    rows = [r for r in rows if r.state in ("nominated", "waiting")]
    if approved:
        approved_count = len(taking_part(session, event))
        if approved_count + len(rows) > event.capacity:
            raise Refused(
                f"名额 {event.capacity} 人，已录取 {approved_count} 人，放不下再录取 {len(rows)} 人"
            )
        clash = busy(session, [r.person_id for r in rows], event)
        if clash:
            name = session.get_one(Person, next(iter(clash))).name
            raise Refused(f"{name}同一时间已报了“{next(iter(clash.values()))}”，请先退掉一个")
    for row in rows:
        row.state, row.updated_by, row.updated_at = (
            ("approved" if approved else "declined"),
            by,
            now(),
        )
        row.reason = reason.strip()[:200] or None
        if approved:
            _number(session, event, row)
    session.flush()
    return len(rows)


def withdraw(session: Session, event: Event, person_id: int, *, reason: str, by: str) -> int | None:
    """Removes a person from the list. Returns the id of the person who moves up from the waiting list, if any. Raises
    `Refused` once they have checked in."""
    row = get_enrolment(session, event, person_id)
    if event.state != "open" or row.state in ("withdrawn", "declined"):
        raise Refused("名单上的这个人不能再退出")
    if not reason.strip():
        raise Refused("请写为什么退出")
    signed = select(Attendance.person_id).where(
        Attendance.person_id == person_id,
        Attendance.session_id.in_([s.id for s in event.sessions]),
        Attendance.state != "leave",
    )
    if session.scalar(signed.limit(1)):
        raise Refused("已经签过到，不能退出。没上完的登记请假")
    previous, row.state = row.state, "withdrawn"
    row.reason, row.updated_by, row.updated_at = reason.strip()[:200], by, now()
    session.flush()
    return move_up(session, event, row.division_code, by=by) if previous in HOLDING else None


def move_up(session: Session, event: Event, code: str, *, by: str) -> int | None:
    """Approves the first person on the waiting list of the same quota who is free at the time. Returns their id."""
    quotas = quotas_of(session, event)
    branch = _branch(event, quotas, code)
    query = select(Enrolment).where(Enrolment.event_id == event.id, Enrolment.state == "waiting")
    if branch is not None:
        query = query.where(within(Enrolment.division_code, prefix_of(branch)))
    for row in session.scalars(query.order_by(Enrolment.updated_at, Enrolment.person_id)):
        if not busy(session, [row.person_id], event):
            row.state, row.updated_at = "approved", now()
            _number(session, event, row)
            name = session.get_one(Person, row.person_id).name
            note(session, event, f"候补的{name}补上了", by=by, division=row.division_code)
            return row.person_id
    return None


def roll(session: Session, event: Event, prefix: str = "") -> list[tuple[Enrolment, Person]]:
    """The list with names, by number, then by time of the last change; of one division if `prefix` is given."""
    query = (
        select(Enrolment, Person)
        .join(Person, Person.id == Enrolment.person_id)
        .where(Enrolment.event_id == event.id)
    )
    if prefix:
        query = query.where(within(Enrolment.division_code, prefix))
    rows = session.execute(query).all()
    return sorted(
        ((e, p) for e, p in rows),
        key=lambda r: (r[0].number is None, r[0].number or 0, r[0].updated_at),
    )


def events_of_person(session: Session, person_id: int) -> list[tuple[Event, Enrolment]]:
    """Announced events in which a person has an enrolment, latest first."""
    query = (
        select(Event, Enrolment)
        .join(Enrolment, Enrolment.event_id == Event.id)
        .where(Enrolment.person_id == person_id, Event.state != "draft")
    )
    return [(e, r) for e, r in session.execute(query.order_by(Event.id.desc()))]
