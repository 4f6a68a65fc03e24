"""The clock of the process, in the hands of a test."""

from __future__ import annotations

import time
from datetime import datetime

import time_machine

from training_records.clock import CLOCK
from training_records.database import now


def let_go() -> None:
    """The product's steady clock holds out against jumps. Tests jump on purpose: from now on it follows at once."""
    CLOCK.__init__(uptime=time.time)  # type: ignore[misc]


class Clock:
    """Stands still until the test moves it: `clock.at = …`."""

    def __init__(self, at: datetime) -> None:
        self._travel = time_machine.travel(at.timestamp(), tick=False)
        self._traveller = self._travel.start()

    @property
    def at(self) -> datetime:
        return now()

    @at.setter
    def at(self, moment: datetime) -> None:
        # As a number: a moment with a zone would change the process's time zone too.
        self._traveller.move_to(moment.timestamp())

    def stop(self) -> None:
        self._travel.stop()
