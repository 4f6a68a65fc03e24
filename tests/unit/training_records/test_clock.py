"""The clock goes on by the machine's uptime, follows small steps at once, and a jump only when it lasts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from training_records.clock import HOLD, STEP, SteadyClock


class Machine:
    """A machine with a clock that can be set."""

    def __init__(self):
        self.up, self.offset = 100.0, 1_000_000.0
        self.clock = SteadyClock(lambda: self.up + self.offset, lambda: self.up)

    def pass_by(self, seconds):
        self.up += seconds

    def set_by(self, seconds):
        self.offset += seconds


def test_small_steps_at_once():
    machine = Machine()
    before = machine.clock.time()
    machine.set_by(-STEP)
    assert machine.clock.time() == before - STEP and machine.clock.jump() == 0


def test_a_jump_that_is_taken_back_was_never_there():
    machine = Machine()
    before = machine.clock.time()
    for seconds in (7200, -86400):
        machine.set_by(seconds)
        machine.pass_by(HOLD / 2)
        assert machine.clock.time() == before + HOLD / 2 and machine.clock.jump() == seconds
        machine.set_by(-seconds)
        machine.pass_by(1)
        before = before + HOLD / 2 + 1
        assert machine.clock.time() == before and machine.clock.jump() == 0


def test_a_jump_that_lasts_is_followed():
    machine = Machine()
    before = machine.clock.time()
    machine.set_by(7200)
    assert machine.clock.time() == before
    machine.pass_by(HOLD - 1)
    assert machine.clock.time() == before + HOLD - 1
    machine.pass_by(1)
    assert machine.clock.time() == before + HOLD + 7200 and machine.clock.jump() == 0


@given(st.lists(st.tuples(st.floats(0, 60), st.floats(-1e6, 1e6)), max_size=9))
def test_within_the_hold_it_runs_evenly(moves):
    """Whatever is done to the machine's clock: as much goes by as the machine was up, but for small steps."""
    machine, last = Machine(), None
    for passed, step in [(0.0, 0.0), *moves]:
        machine.set_by(step)
        machine.pass_by(passed)
        told = machine.clock.time()
        if last is not None:
            assert abs(told - last - passed) <= STEP + 1e-6
        last = told
