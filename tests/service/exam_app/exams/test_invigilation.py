from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import func, select

from exam_app.audit.models import AuditEntry
from exam_app.audit.service import verify
from exam_app.exams import invigilation
from exam_app.exams.models import Attempt, AttemptEvent
from tests.factories import (
    CITY,
    DISTRICT,
    OTHER_DISTRICT,
    OTHER_VILLAGE,
    VILLAGE,
    answer,
    begin,
    hand_in,
    rightly,
)
from training_records.archive.models import ArchiveEntry, effective
from training_records.database import make_session_factory


def test_the_board_shows_who_is_at_work(world, session, saver, sign_in, clock):
    exam = world.exam()
    busy, silent = world.person(VILLAGE, name="周一"), world.person(VILLAGE, name="郑二")
    there = world.person(OTHER_VILLAGE, name="吴三")
    for person in (busy, silent, there):
        attempt = begin(session, exam, person)
        if person is busy:
            answer(session, saver, attempt, rightly)
    session.commit()
    office = sign_in(world.account("district", DISTRICT))
    told = office.get(f"/exams/manage/{exam.id}/board.json").json
    rows = {r["name"]: r for r in told["rows"]}
    assert set(rows) == {"周一", "郑二"} and told["running"] == 2 and told["quiet"] == 0
    assert rows["周一"]["last"] and not rows["郑二"]["last"]
    clock.at += timedelta(minutes=4)
    assert office.get(f"/exams/manage/{exam.id}/board.json").json["quiet"] == 2
    page = office.get(f"/exams/manage/{exam.id}").text
    assert "正在考 2 人" in page and "吴三" not in page
    assert (
        sign_in(world.account("district", OTHER_DISTRICT))
        .get(f"/exams/manage/{world.exam(DISTRICT).id}")
        .status_code
        == 404
    )


def test_decisions_of_the_invigilator(world, session, saver, sign_in):
    exam, person = world.exam(DISTRICT), world.person()
    attempt = begin(session, exam, person)
    office, room = sign_in(world.account("district", DISTRICT)), f"/exams/manage/{exam.id}"
    before, number = attempt.deadline, attempt.id
    session.commit()

    def decide(**values):
        office.form(f"{room}/decide", **values)
        session.expire_all()
        found = session.get_one(Attempt, number)
        state = found.state, found.deadline
        session.rollback()
        return state

    assert decide(what="extend", attempt=number, minutes=15) == ("in_progress", before)
    longer = before + timedelta(minutes=15)
    told = {"what": "extend", "attempt": number, "minutes": 15, "reason": "停电"}
    assert decide(**told) == ("in_progress", longer)
    # Two taps on a slow line give the time once.
    assert 'name="once"' in office.get(room).text.partition("/decide")[2].partition("</form>")[0]
    longer += timedelta(minutes=15)
    assert [decide(**told, once="ab" * 16)[1] for _ in "12"] == [longer, longer]
    everybody = {"what": "extend_all", "minutes": 5, "reason": "断网"}
    assert decide(**everybody) == ("in_progress", longer + timedelta(minutes=5))
    assert decide(what="reopen", attempt=number, minutes=5, reason="x")[0] == "in_progress"
    other = sign_in(world.account("district", OTHER_DISTRICT))
    assert other.form(f"{room}/decide", **told).status_code == 404
    assert decide(what="void", attempt=number, reason="替考")[0] == "voided"
    reasons = select(AttemptEvent.reason).order_by(AttemptEvent.id)
    assert list(session.scalars(reasons))[-3:] == [
        "延长 15 分钟：停电",
        "延长 5 分钟：断网",
        "替考",
    ]


def test_voiding_a_released_attempt_takes_its_entry_back(world, session, saver):
    exam, person = world.exam(), world.person()
    attempt = hand_in(session, saver, begin(session, exam, person), rightly)
    invigilation.void_attempt(session, attempt, "account:1", reason="替考")
    session.commit()
    counted = select(func.count()).where(effective(), ArchiveEntry.kind == "exam")
    assert session.scalar(counted) == 0
    assert begin(session, exam, person).number == 2


def test_every_change_of_an_attempt_is_once_in_the_audit_log(world, session, saver):
    exam = world.exam()
    for _ in range(3):
        hand_in(session, saver, begin(session, exam, world.person()), rightly)
    invigilation.void_attempt(
        session, session.scalars(select(Attempt)).first(), "office", reason="代考"
    )
    session.commit()
    make = make_session_factory(session.get_bind().engine)

    def copy(_):
        with make() as own:
            done = 0
            while count := invigilation.copy_events(own):
                done += count
            return done

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(copy, range(4))) == 3 * 4 + 1
    session.expire_all()
    told = session.scalars(select(AuditEntry).where(AuditEntry.action == "attempt.state")).all()
    events = session.scalars(select(AttemptEvent).order_by(AttemptEvent.id)).all()
    assert sorted(
        (entry.subject, entry.detail["before"], entry.detail["after"], entry.detail["reason"])
        for entry in told
    ) == sorted((f"attempt:{e.attempt_id}", e.before, e.after, e.reason) for e in events)
    assert all(event.audited for event in events)
    assert verify(session) == (len(told), [])
    assert copy(0) == 0


def test_an_office_sees_the_accommodations_of_its_own_people_only(world, sign_in, session):
    exam = world.exam(CITY)
    near, far = world.person(VILLAGE, name="王秀兰"), world.person(OTHER_VILLAGE, name="李桂英")
    for person in (near, far):
        invigilation.grant(
            session, exam, person, extra_minutes=25, large_print=False, reason="视力不好", actor="t"
        )
    session.commit()
    page = sign_in(world.account("district", DISTRICT)).get(f"/exams/manage/{exam.id}").text
    assert "王秀兰" in page and "李桂英" not in page
