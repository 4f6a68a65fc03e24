"""The exams' long-lived objects."""

from __future__ import annotations

from dataclasses import dataclass

from exam_app.exams.clock import AttemptClock
from exam_app.exams.saving import Saver
from exam_app.exams.ticket import Tickets


@dataclass(frozen=True, slots=True)
class ExamRuntime:
    """The saver of answers, the signer of the tickets that a save carries, the deadlines in memory."""

    saver: Saver
    tickets: Tickets
    clock: AttemptClock

    def close(self) -> None:
        """Closes the saver's connections."""
        self.saver.close()
