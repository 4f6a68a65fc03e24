"""Demonstration data of training events: this year's demonstration training of the city, its repetition in two
districts, and one upcoming event."""

from __future__ import annotations

import random
import secrets
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_app.config import Config
from training_records.database import now
from training_records.events.filing import file_event
from training_records.events.models import (
    Attendance,
    Enrolment,
    Event,
    PlanLine,
    SurveyAnswer,
    SurveyGiven,
)
from training_records.events.planning import (
    add_plan,
    add_session,
    announce,
    create_event,
    share_quotas,
)
from training_records.ledger.models import Post

CITY, DISTRICTS = "370200000000", ("370283000000", "370211000000")
COMMENTS = (
    "案例讲得细，回去就能用。",
    "希望多一点分组练习。",
    "报告的流程终于弄清楚了。",
    "时间紧，下午的课可以再长一点。",
    "老师讲得好。",
    "希望给一份可以带走的清单。",
)


def seed_events(session: Session, config: Config, rng: random.Random, *, today: date) -> None:
    """Creates the year's events, held, filed and upcoming. Skipped before the 60th day of the year."""
    if today.timetuple().tm_yday < 60:
        return
    spring = date(today.year, 1, 12) + timedelta(days=rng.randrange(0, 20))
    plan = add_plan(
        session,
        CITY,
        today.year,
        by="demo",
        month=spring.month,
        title="儿童主任骨干示范培训",
        audience="director",
        form="面授",
        hours=Decimal(16),
        heads=60,
        budget=Decimal(48000),
        demonstration=True,
    )
    parent = _held(
        session, config, rng, code=CITY, organiser="青岛市民政局", line=plan, day=spring, heads=60
    )
    for district, name in zip(DISTRICTS, ("平度市", "黄岛区"), strict=True):
        plan = add_plan(
            session,
            district,
            today.year,
            by="demo",
            month=spring.month + 1,
            title="儿童主任轮训（第一期）",
            audience="director",
            form="面授",
            hours=Decimal(8),
            heads=80,
            budget=Decimal(12000),
        )
        day = spring + timedelta(days=20)
        _held(
            session,
            config,
            rng,
            code=district,
            organiser=f"{name}民政局",
            line=plan,
            day=day,
            heads=40,
            parent=parent,
        )
    _coming(session, config, today)


def _event(session: Session, code: str, organiser: str, *, line: PlanLine, heads: int) -> Event:
    return create_event(
        session,
        code,
        organiser,
        by="demo",
        plan_id=line.id,
        title=line.title,
        audience="director",
        form="面授",
        capacity=heads,
        place="党校报告厅",
        demonstration=line.demonstration,
    )


def _add(session: Session, config: Config, event: Event, *, day: date, halves: int) -> None:
    titles = ("岗位职责和三年行动", "摸底走访和一人一档", "强制报告和应急处置", "回去怎么带班")
    for half in range(halves):
        start = datetime.combine(
            day + timedelta(days=half // 2), time(9) if half % 2 == 0 else time(14), config.zone
        )
        add_session(
            session,
            event,
            "demo",
            title=titles[half],
            starts_at=start,
            ends_at=start + timedelta(hours=3),
            teacher="市级讲师",
            hours=Decimal(4),
        )


def _held(
    session: Session,
    config: Config,
    rng: random.Random,
    *,
    code: str,
    organiser: str,
    line: PlanLine,
    day: date,
    heads: int,
    parent: Event | None = None,
) -> Event:
    event = _event(session, code, organiser, line=line, heads=heads)
    event.parent_id = parent.id if parent else None
    _add(session, config, event, day=day, halves=4 if parent is None else 2)
    people = _people(session, rng, code, heads=heads, day=day)
    if parent is None:
        share_quotas(session, event, heads)
    announce(session, event, "demo")
    for number, (person, village) in enumerate(people, start=1):
        session.add(
            Enrolment(
                event_id=event.id,
                person_id=person,
                division_code=village,
                state="approved",
                number=number,
                updated_by="demo",
            )
        )
    session.flush()
    for person, _ in people:
        _attend(session, rng, event, person=person)
    if parent is not None:
        trained = select(Enrolment.person_id).where(
            Enrolment.event_id == parent.id, Enrolment.division_code.startswith(code[:6])
        )
        event.sessions[0].teacher_id = session.scalars(trained.limit(1)).first()
    session.flush()
    event.summary = (
        "采取讲授、分组实操和案例研讨相结合的办法，学员带着村里的实际问题来，带着办法回去。"
    )
    file_event(session, event, "培训办", by="demo", zone=config.zone)
    return event


def _people(
    session: Session, rng: random.Random, code: str, *, heads: int, day: date
) -> list[tuple[int, str]]:
    query = select(Post.person_id, Post.division_code).where(
        Post.role == "director", Post.end.is_(None), Post.start <= day, Post.person_id > 1
    )
    prefix = code.rstrip("0")
    pool = [(p, c) for p, c in session.execute(query.order_by(Post.id)) if c.startswith(prefix)]
    rng.shuffle(pool)
    chosen: list[tuple[int, str]] = []
    if code == CITY:
        # The same number from every district, if it has that many.
        for district in sorted({c[:6] for _, c in pool}):
            chosen += [row for row in pool if row[1].startswith(district)][: heads // 10]
        return chosen
    return pool[:heads]


def _attend(session: Session, rng: random.Random, event: Event, *, person: int) -> None:
    attended = False
    for event_session in event.sessions:
        state = rng.choices(["present", "late", "leave", ""], [88, 5, 3, 4])[0]
        if state:
            moment = event_session.starts_at + timedelta(
                minutes=20 if state == "late" else -rng.randrange(2, 40)
            )
            session.add(
                Attendance(
                    session_id=event_session.id,
                    person_id=person,
                    state=state,
                    how="qr" if state != "leave" else "hand",
                    recorded_at=moment,
                    recorded_by="demo",
                    note="村里有事" if state == "leave" else None,
                )
            )
            attended = attended or state != "leave"
    if attended and rng.random() < 0.8:
        marks = [rng.choices([5, 4, 3, 2], [60, 30, 8, 2])[0] for _ in range(4)]
        session.add(SurveyGiven(event_id=event.id, person_id=person))
        session.add(
            SurveyAnswer(
                key=secrets.token_hex(16),
                event_id=event.id,
                content=marks[0],
                teacher=marks[1],
                organisation=marks[2],
                usefulness=marks[3],
                comment=rng.choice(COMMENTS) if rng.random() < 0.2 else None,
            )
        )


def _coming(session: Session, config: Config, today: date) -> None:
    event = create_event(
        session,
        DISTRICTS[0],
        "平度市民政局",
        by="demo",
        title="儿童主任轮训（第二期）",
        audience="director",
        form="面授",
        capacity=60,
        place="平度市会议中心",
        contact="培训办",
    )
    day = today + timedelta(days=9)
    _add(session, config, event, day=day, halves=2)
    event.nominate_by = now() + timedelta(days=6)
    announce(session, event, "demo")
