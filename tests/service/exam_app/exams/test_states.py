"""All changes of an attempt's state, and the attempt against a simple model."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import delete, select

from exam_app.exams import invigilation, service
from exam_app.exams.errors import Closed, MissingAnswers, TooLate
from exam_app.exams.models import Answer, Attempt, AttemptEvent, LateAnswer
from exam_app.exams.saving import GRACE, NewAnswer, make_saver
from exam_app.exams.slots import slots_of
from exam_app.exams.states import STATES, WITH_REASON, move
from tests.clock import Clock
from tests.examples import examples
from tests.factories import CHANGES_OF_STATE, ZONE, World, right_answer
from training_records.archive.models import ArchiveEntry, effective
from training_records.archive.service import verify
from training_records.database import make_session_factory
from training_records.errors import Refused


@pytest.fixture
def attempt(world, session):
    made = service.start(session, world.exam().id, world.person().id)
    session.commit()
    return made


@pytest.mark.parametrize("before", STATES)
@pytest.mark.parametrize("after", STATES)
def test_the_table_of_changes(session, attempt, before, after):
    """Every pair of states, allowed and forbidden, as written down here by hand."""
    attempt.state = before
    at = datetime(2026, 1, 1, tzinfo=UTC)
    events = len(session.scalars(select(AttemptEvent)).all())
    if (before, after) not in CHANGES_OF_STATE:
        with pytest.raises(Closed):
            move(session, attempt, after, actor="test", at=at, reason="因为")
        assert attempt.state == before
        assert len(session.scalars(select(AttemptEvent)).all()) == events
        return
    if (before, after) in WITH_REASON:
        with pytest.raises(Refused, match="原因"):
            move(session, attempt, after, actor="test", at=at, reason=" ")
    move(session, attempt, after, actor="test", at=at, reason="因为")
    event = session.scalars(select(AttemptEvent).order_by(AttemptEvent.id.desc())).first()
    assert (event.before, event.after, event.created_by, event.reason) == (
        before,
        after,
        "test",
        "因为",
    )
    assert attempt.state == after


def machine(engine):
    """One person, one exam, an invigilator and the sweeper, against a model."""

    class Sitting(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.session = make_session_factory(engine)()
            with engine.begin() as connection:
                for table in reversed(ArchiveEntry.metadata.sorted_tables):
                    connection.execute(delete(table))
            world = World(self.session)
            self.exam, self.person = world.exam(attempts_allowed=2), world.person()
            self.clock = Clock(self.exam.opens_at + timedelta(hours=1))
            self.saver = make_saver(engine)
            self.attempts: list[dict] = []
            self.session.commit()

        def teardown(self):
            self.saver.close()
            self.session.close()
            self.clock.stop()

        @property
        def current(self):
            return self.attempts[-1] if self.attempts else None

        def running(self):
            return self.current is not None and self.current["state"] == "in_progress"

        def overdue(self):
            return self.running() and self.clock.at > self.current["deadline"] + GRACE

        def settle(self):
            """What looking at an overdue attempt does to it."""
            answered = any(r is not None for _, r in self.current["answers"].values())
            self.current["state"] = "released" if answered else "abandoned"

        def used(self):
            states = [a["state"] for a in self.attempts]
            return len(states) - states.count("voided") - min(states.count("abandoned"), 1)

        @rule()
        def start(self):
            if self.overdue():
                self.settle()
            passed = any(a["passed"] and a["state"] == "released" for a in self.attempts)
            may = self.running() or (
                not passed and self.used() < 2 and self.clock.at < self.exam.closes_at
            )
            if not may:
                with pytest.raises(Closed):
                    service.start(self.session, self.exam.id, self.person.id)
                self.session.commit()
                return
            made = service.start(self.session, self.exam.id, self.person.id)
            if not self.running():
                places = slots_of(made)
                self.attempts.append(
                    {
                        "id": made.id,
                        "state": "in_progress",
                        "deadline": made.deadline,
                        "answers": {},
                        "passed": False,
                        "keys": {p.id: right_answer(p.question) for p in places},
                    }
                )
            assert made.id == self.current["id"]
            self.session.commit()

        @precondition(lambda self: self.current is not None)
        @rule(slot=st.integers(1, 5), right=st.booleans(), seq=st.integers(1, 9))
        def save(self, slot, right, seq):
            ticket = service.ticket_for(self.session, self.current["id"], self.person.id)
            self.session.commit()
            response = self.current["keys"][str(slot)] if right else None
            answer = [NewAnswer(str(slot), response, seq)]
            if self.clock.at > self.current["deadline"] + GRACE:
                with pytest.raises(TooLate):
                    service.save_answers(self.saver, ticket, answer)
                self.current["late"] = self.current.get("late", 0) + 1
            elif self.current["state"] != "in_progress":
                with pytest.raises(Closed):
                    service.save_answers(self.saver, ticket, answer)
            else:
                known = self.current["answers"].get(str(slot), (0, None))
                if seq > known[0]:
                    self.current["answers"][str(slot)] = (seq, response)
                stored, _ = service.save_answers(self.saver, ticket, answer)
                assert stored == {str(slot): max(seq, known[0])}

        @precondition(lambda self: self.running())
        @rule(ahead=st.integers(0, 3))
        def submit(self, ahead):
            expected = {s: seq for s, (seq, _) in self.current["answers"].items()}
            if ahead and expected:
                slot = next(iter(expected))
                expected[slot] += ahead
            elif ahead:
                expected["1"] = ahead
            submit = partial(
                service.submit,
                self.session,
                self.current["id"],
                self.person.id,
                expected=expected,
                zone=ZONE,
            )
            if ahead and not self.overdue():
                with pytest.raises(MissingAnswers):
                    submit()
                self.session.rollback()
                return
            done, _ = submit()
            self.session.commit()
            self.current["state"] = "released"
            assert done.state == "released"

        @rule(minutes=st.sampled_from([1, 61, 90]))
        def wait(self, minutes):
            self.clock.at += timedelta(minutes=minutes)

        @rule()
        def sweep(self):
            if self.overdue():
                self.settle()
            invigilation.sweep(self.session, ZONE)

        @precondition(lambda self: self.running())
        @rule(swept=st.booleans())
        def run_out(self, swept):
            """The time runs out; somebody sweeps, or the next start finds it."""
            self.clock.at = max(
                self.clock.at, self.current["deadline"] + GRACE + timedelta(seconds=1)
            )
            if swept:
                self.sweep()
            else:
                self.start()

        @precondition(lambda self: self.current is not None)
        @rule(minutes=st.integers(1, 30))
        def extend(self, minutes):
            row = self.session.get_one(Attempt, self.current["id"])
            if not self.running():
                with pytest.raises(Closed):
                    invigilation.extend(self.session, row, minutes, actor="t", reason="断网")
            else:
                invigilation.extend(self.session, row, minutes, actor="t", reason="断网")
                self.current["deadline"] = max(self.current["deadline"], self.clock.at) + timedelta(
                    minutes=minutes
                )
            self.session.commit()

        @precondition(lambda self: self.current is not None)
        @rule()
        def void(self):
            row = self.session.get_one(Attempt, self.current["id"])
            if self.current["state"] == "voided":
                with pytest.raises(Closed):
                    invigilation.void_attempt(self.session, row, "t", reason="替考")
            else:
                invigilation.void_attempt(self.session, row, "t", reason="替考")
                self.current["state"] = "voided"
            self.session.commit()

        @precondition(lambda self: self.current is not None)
        @rule()
        def reopen(self):
            row = self.session.get_one(Attempt, self.current["id"])
            if self.current["state"] != "abandoned":
                with pytest.raises(Closed):
                    invigilation.reopen(self.session, row, 20, actor="t", reason="停电")
            else:
                invigilation.reopen(self.session, row, 20, actor="t", reason="停电")
                self.current["state"] = "in_progress"
                self.current["deadline"] = self.clock.at + timedelta(minutes=20)
            self.session.rollback() if self.current[
                "state"
            ] != "in_progress" else self.session.commit()

        @invariant()
        def the_database_is_the_model(self):
            self.session.expire_all()
            rows = self.session.scalars(select(Attempt).order_by(Attempt.number)).all()
            assert [r.id for r in rows] == [a["id"] for a in self.attempts]
            for row, told in zip(rows, self.attempts, strict=True):
                assert row.state == told["state"]
                assert row.deadline == told["deadline"]
                answers = self.session.scalars(select(Answer).where(Answer.attempt_id == row.id))
                assert {a.slot: a.seq for a in answers} == {
                    s: seq for s, (seq, _) in told["answers"].items()
                }
                late = self.session.scalars(
                    select(LateAnswer).where(LateAnswer.attempt_id == row.id)
                ).all()
                assert len(late) == told.get("late", 0)
            filed = self.session.scalars(
                select(ArchiveEntry).where(effective(), ArchiveEntry.kind == "exam")
            ).all()
            assert len(filed) == sum(a["state"] == "released" for a in self.attempts)
            assert verify(self.session)[1] == []
            self.session.rollback()

    return Sitting


def test_an_attempt_against_the_model(clean):
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        machine(clean),
        settings=settings(
            max_examples=examples(30),
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
