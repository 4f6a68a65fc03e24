"""Who may sit when: sittings, seats, make-ups, extra time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from exam_app.exams import invigilation, service
from exam_app.exams.errors import Closed
from exam_app.exams.models import Exam, Seat
from tests.factories import (
    DISTRICT,
    OTHER_DISTRICT,
    OTHER_VILLAGE,
    TOWN,
    VILLAGE,
    ZONE,
    begin,
    blank,
    hand_in,
    rightly,
    sitting,
)
from training_records.database import make_session_factory, now
from training_records.errors import Refused


def test_a_sitting_has_its_own_window_and_people(world, session):
    exam = world.exam()
    here, there = world.person(VILLAGE), world.person(OTHER_VILLAGE)
    own = sitting(session, exam, division_code=DISTRICT, closes_at=now() + timedelta(minutes=10))
    attempt = begin(session, exam, here)
    assert attempt.sitting_id == own.id and attempt.deadline == own.closes_at
    with pytest.raises(Closed, match="没有您可以考的场次"):
        service.start(session, exam.id, there.id)
    session.rollback()
    sitting(
        session,
        exam,
        division_code=OTHER_DISTRICT,
        opens_at=now() + timedelta(hours=2),
        closes_at=now() + timedelta(hours=3),
    )
    with pytest.raises(Closed, match="还没开始"):
        service.start(session, exam.id, there.id)


def test_the_last_seat_is_taken_once(clean, world, session):
    exam = world.exam()
    people = [world.person() for _ in range(6)]
    sitting(session, exam, capacity=2)

    def one(person_id):
        with make_session_factory(clean)() as own:
            try:
                service.start(own, exam_id, person_id)
            except Closed as refused:
                own.rollback()
                return str(refused)
            own.commit()
            return "in"

    exam_id, ids = exam.id, [p.id for p in people]
    session.commit()
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(one, ids))
    assert results.count("in") == 2 and sum("坐满" in r for r in results) == 4
    assert session.scalar(select(func.count()).select_from(Seat)) == 2


def test_a_make_up_is_for_those_who_have_not_passed(world, session, saver):
    exam = world.exam(attempts_allowed=5)
    failed, passed = world.person(), world.person()
    hand_in(session, saver, begin(session, exam, failed), blank)
    hand_in(session, saver, begin(session, exam, passed), rightly)
    again = sitting(session, exam, make_up=True)
    assert begin(session, exam, failed).sitting_id == again.id
    with pytest.raises(Closed, match="合格"):
        service.start(session, exam.id, passed.id)


def test_extra_time_counts_within_the_window(world, session, sign_in):
    exam, person = world.exam(), world.person()
    with pytest.raises(Refused, match="原因"):
        invigilation.grant(
            session, exam, person, extra_minutes=30, large_print=False, reason=" ", actor="t"
        )
    invigilation.grant(
        session, exam, person, extra_minutes=30, large_print=True, reason="视力不好", actor="t"
    )
    session.commit()
    attempt = begin(session, exam, person)
    assert attempt.deadline - attempt.started_at == timedelta(minutes=exam.minutes + 30)
    path = f"/exams/attempts/{attempt.id}"
    session.commit()
    assert 'data-large="1"' in sign_in(world.account(person=person)).get(path).text


def test_a_lost_connection_at_the_start_takes_no_attempt(world, session, clock):
    """As Runestone (872) and LifterLMS (2783) learnt: nothing answered is nothing taken."""
    exam, person = world.exam(attempts_allowed=1), world.person()
    first = begin(session, exam, person)
    clock.at = first.deadline + timedelta(minutes=2)
    invigilation.sweep(session, ZONE)
    assert begin(session, exam, person).id != first.id
    clock.at += timedelta(hours=2)
    invigilation.sweep(session, ZONE)
    # Once is an accident; a second time counts, and a person may reopen it.
    with pytest.raises(Closed, match="用完"):
        service.start(session, exam.id, person.id)


def test_sittings_and_extra_time_from_the_page(world, session, sign_in):
    exam = world.exam(DISTRICT)
    world.person(phone="13800009999")
    office, room = sign_in(world.account("district", DISTRICT)), f"/exams/manage/{exam.id}"
    good = {
        "title": "云桥镇场",
        "opens": "2026-11-20T09:00",
        "closes": "2026-11-20T11:00",
        "division": TOWN,
        "capacity": "30",
    }
    assert office.form(f"{room}/sittings", **good).status_code == 302
    early = office.form(f"{room}/sittings", **{**good, "closes": "2026-11-20T08:00"})
    assert early.status_code == 422 and "结束时间要晚于开始时间" in early.text
    assert 'value="2026-11-20T08:00"' in early.text
    office.form(f"{room}/grants", phone="13800009999", minutes="25", reason="视力不好")
    unknown = office.form(f"{room}/grants", phone="13000000000", minutes="25", reason="视力不好")
    assert "台账里没有这个手机号" in unknown.text
    page = office.get(room).text
    assert "多 25 分钟" in page and "30 个座位" in page
    session.expire_all()
    (made,) = session.get_one(Exam, exam.id).sittings
    assert made.opens_at.astimezone(ZONE).hour == 9 and made.division_code == TOWN
