"""The deadline that a running page asks for, from memory."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from exam_app.exams import invigilation
from exam_app.exams.clock import AttemptClock
from exam_app.exams.models import Attempt
from exam_app.exams.runtime import ExamRuntime
from exam_app.web.services import services_of
from tests.factories import OTHER_DISTRICT, VILLAGE
from training_records.database import make_session_factory


@pytest.fixture
def api(world, sign_in):
    return sign_in(world.account("director", VILLAGE))


@pytest.fixture
def clock(app):
    """The application's clock, with a time that the test sets."""
    made = services_of(app).part(ExamRuntime).clock
    made._monotonic = lambda: made.time
    made.time = 100.0
    return made


@pytest.fixture
def running(api, world):
    return api.post(f"/api/v1/exams/{world.exam().id}/attempts").json["attempt_id"]


def ask(api, attempt):
    return api.get(f"/api/v1/attempts/{attempt}/clock")


def extend(engine, attempt_id, minutes):
    """As another process does."""
    with Session(engine) as session:
        attempt = session.get_one(Attempt, attempt_id)
        invigilation.extend(session, attempt, minutes, actor="test", reason="停电")
        session.commit()


def deadline(answer):
    assert answer.status_code == 200, answer.json
    return datetime.fromisoformat(answer.json["deadline"])


def test_time_given_elsewhere_arrives_within_seconds(engine, api, clock, running):
    before = deadline(ask(api, running))
    assert set(ask(api, running).json) == {"server_time", "deadline", "state"}
    extend(engine, running, 10)
    clock.time += 4.1
    assert deadline(ask(api, running)) - before >= timedelta(minutes=10)
    assert ask(api, running).json["state"] == "in_progress"


def test_nothing_is_asked_of_the_database_while_nothing_changes(engine, api, clock, running):
    ask(api, running)
    asked = []
    listener = lambda *args: asked.append(args[2])  # noqa: E731
    event.listen(engine, "before_cursor_execute", listener)
    try:
        for _ in range(50):
            ask(api, running)
        assert asked == []
        for _ in range(10):
            clock.time += 4.1
            ask(api, running)
        # One look at the events each time, none of the attempt itself.
        assert len([q for q in asked if "attempt_event" in q]) == 10
        assert len([q for q in asked if "FROM attempt " in q or "FROM attempt\n" in q]) == 0
    finally:
        event.remove(engine, "before_cursor_execute", listener)


def test_handing_in_is_seen(api, clock, running):
    assert ask(api, running).json["state"] == "in_progress"
    api.post(f"/api/v1/attempts/{running}/submit", {"expected": {}})
    clock.time += 4.1
    assert ask(api, running).json["state"] == "released"


def test_an_event_that_commits_late_is_not_missed(engine, session, world, api, clock, running):
    """Numbers are given out before the commit, so a smaller one may come after a larger."""
    before = deadline(ask(api, running))
    clock._seen = {*(clock._seen or ()), 100}
    extend(engine, running, 5)
    clock.time += 4.1
    assert deadline(ask(api, running)) > before


def test_nobody_else_learns_it(world, sign_in, api, running):
    other = sign_in(world.account("director", f"{OTHER_DISTRICT[:6]}001001"))
    assert ask(other, running).status_code == 404
    assert AttemptClock(make_session_factory(world.session.bind)).read(running, 0) is None
