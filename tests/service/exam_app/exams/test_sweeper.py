"""Overdue attempts are closed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import func, select

from exam_app.exams import invigilation
from exam_app.exams.models import Attempt, AttemptEvent
from tests.factories import (
    ZONE,
    answer,
    begin,
    rightly,
)
from training_records.database import make_session_factory


def test_the_sweeper_closes_what_nobody_looks_at(clean, world, session, saver, clock):
    """Several processes sweep at once: each attempt is closed once, one without answers is abandoned."""
    exam = world.exam()
    attempts = [begin(session, exam, world.person()) for _ in range(6)]
    for attempt in attempts[:4]:
        answer(session, saver, attempt, rightly)
    late = max(a.deadline for a in attempts) + timedelta(minutes=2)
    ids = [a.id for a in attempts]
    session.commit()
    clock.at = late

    def one(_):
        with make_session_factory(clean)() as own:
            return invigilation.sweep(own, ZONE)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(one, range(4))) == 6
    session.expire_all()
    states = [session.get_one(Attempt, n).state for n in ids]
    assert states == ["released"] * 4 + ["abandoned"] * 2
    counted = select(AttemptEvent.attempt_id, func.count()).where(AttemptEvent.after == "overdue")
    assert {n for _, n in session.execute(counted.group_by(AttemptEvent.attempt_id))} == {1}
