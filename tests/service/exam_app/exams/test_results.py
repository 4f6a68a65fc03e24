"""Results: which attempt counts, when it is seen and filed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from exam_app.exams import invigilation, service
from exam_app.exams.models import Attempt
from tests.factories import (
    DISTRICT,
    ZONE,
    begin,
    blank,
    hand_in,
    rightly,
)
from training_records.archive.models import ArchiveEntry, effective


@pytest.mark.parametrize(
    ("counts", "entries"), [("best", [0, 100]), ("first", [0]), ("last", [100])]
)
def test_which_attempt_counts(world, session, saver, counts, entries):
    exam, person = world.exam(counts=counts), world.person()
    for right in (False, True):
        hand_in(session, saver, begin(session, exam, person), rightly if right else blank)
    found = session.scalars(
        select(ArchiveEntry.score)
        .where(effective(), ArchiveEntry.kind == "exam")
        .order_by(ArchiveEntry.id)
    )
    assert [int(score) for score in found] == entries


def test_a_practice_exam_leaves_no_trace_in_the_archive(world, session, saver):
    exam, person = world.exam(practice=True, attempts_allowed=1), world.person()
    for _ in range(3):
        assert hand_in(session, saver, begin(session, exam, person), rightly).state == "released"
    assert session.scalar(select(func.count()).select_from(ArchiveEntry)) == 0


def test_results_wait_until_they_are_released(world, session, saver, sign_in):
    exam, account = world.exam(DISTRICT, release="by_hand"), world.account()
    person = account.person_id
    attempt = service.start(session, exam.id, person)
    session.commit()
    hand_in(session, saver, attempt, rightly)
    assert attempt.state == "marked"
    number = attempt.id
    api, office = sign_in(account), sign_in(world.account("district", DISTRICT))
    told = api.get(f"/api/v1/attempts/{number}").json
    assert told["score"] is None and told["result"] is None and told["passed"] is None
    listed = api.get("/api/v1/exams").json["exams"][0]
    assert listed["attempts"][0]["score"] is None and listed["state"] != "passed"
    assert "答案都存好了" in api.get(f"/exams/attempts/{number}/result").text
    assert "由民政部门公布" in api.get("/exams").text
    room = f"/exams/manage/{exam.id}"
    assert "有 1 人评完分" in office.get(room).text
    office.form(f"{room}/release")
    session.expire_all()
    assert session.get_one(Attempt, number).state == "marked"
    session.rollback()
    office.form(f"{room}/release", sure="1")
    assert api.get(f"/api/v1/attempts/{number}").json["passed"] is True


def test_results_appear_at_their_time(world, session, saver, clock):
    exam, person = world.exam(release="at_time"), world.person()
    attempt = hand_in(session, saver, begin(session, exam, person), rightly)
    assert invigilation.sweep(session, ZONE) == 0 and attempt.state == "marked"
    clock.at = exam.closes_at + timedelta(seconds=1)
    session.commit()
    assert invigilation.sweep(session, ZONE) == 1
    session.refresh(attempt)
    assert attempt.state == "released"
