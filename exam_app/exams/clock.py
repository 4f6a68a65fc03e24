"""The deadline of a running attempt, from memory: pages ask for it every few seconds.

Every change of a deadline or a state is an event. So one look at the newest events, at most every
`LOOK_EVERY` for all attempts together, says which of the remembered attempts to read again.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from exam_app.exams.models import Attempt, AttemptEvent
from training_records.database import read_only

# Seconds between two looks; half of what a page waits between two questions.
LOOK_EVERY = 4.0
MAX_REMEMBERED = 10_000
# A transaction may commit after a later one of a higher id: this many ids are looked at again.
OVERLAP = 200


@dataclass(frozen=True, slots=True)
class Reading:
    """An attempt's state and deadline."""

    state: str
    deadline: datetime


class AttemptClock:
    """Remembers readings, and forgets those whose attempt has a new event."""

    def __init__(
        self, sessions: sessionmaker[Session], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._sessions, self._monotonic = sessions, monotonic
        self._mutex = threading.Lock()
        self._readings: OrderedDict[tuple[int, int], Reading] = OrderedDict()
        self._seen: set[int] | None = None
        self._looked_at = 0.0

    def read(self, attempt_id: int, person_id: int) -> Reading | None:
        """The reading of a person's own attempt; None when there is none.

        Raises `sqlalchemy.exc.OperationalError` when the database is unavailable.
        """
        key = (attempt_id, person_id)
        with self._mutex:
            self._look()
            known = self._readings.get(key)
            if known is not None:
                self._readings.move_to_end(key)
                return known
            with self._sessions() as session:
                row = (
                    read_only(session)
                    .execute(
                        select(Attempt.state, Attempt.deadline).where(
                            Attempt.id == attempt_id, Attempt.person_id == person_id
                        )
                    )
                    .first()
                )
            if row is None:
                return None
            self._readings[key] = Reading(*row)
            if len(self._readings) > MAX_REMEMBERED:
                self._readings.popitem(last=False)
            return self._readings[key]

    def _look(self) -> None:
        """Forgets the attempts with events that were not there at the last look."""
        if self._seen is not None and self._monotonic() - self._looked_at < LOOK_EVERY:
            return
        with self._sessions() as session:
            read_only(session)
            newest = (
                session.scalar(select(func.max(AttemptEvent.id)))
                if self._seen is None
                else max(self._seen, default=0)
            )
            events = dict(
                session.execute(
                    select(AttemptEvent.id, AttemptEvent.attempt_id).where(
                        AttemptEvent.id > (newest or 0) - OVERLAP
                    )
                ).all()
            )
        changed = {attempt for event, attempt in events.items() if event not in (self._seen or ())}
        for key in [k for k in self._readings if k[0] in changed]:
            del self._readings[key]
        self._seen, self._looked_at = set(events), self._monotonic()
