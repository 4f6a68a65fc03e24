"""Keeps the running coverage figures current: in a background thread of every server process, and before a page reads
them, so that users see what they have just recorded."""

from __future__ import annotations

import threading
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session, sessionmaker

from exam_app.jobs.local_worker import guarded
from training_records.coverage.running import apply_pending, is_stale
from training_records.database import now, read_only

# Seconds between background runs. Pages catch up by themselves; this only keeps their backlog short.
EVERY = 2.0
# Change notes per round. A page runs one round and leaves the remainder to the background.
AT_ONCE = 500


def keep_up(factory: sessionmaker[Session], today: date, rounds: int | None = None) -> bool:
    """Applies pending changes in at most `rounds` rounds (None: until done). Returns whether figures are current."""
    with factory() as session:
        if not is_stale(read_only(session), today):
            return True
    while rounds is None or rounds > 0:
        with factory() as session:
            pending = apply_pending(session, today, AT_ONCE)
            session.commit()
        if not pending:
            return True
        rounds = None if rounds is None else rounds - 1
    return False


def start_keeper(
    factory: sessionmaker[Session], zone: ZoneInfo, every: float = EVERY
) -> threading.Event:
    """Starts a daemon thread that keeps the figures current until the returned event is set."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(every):
            guarded("coverage", lambda: keep_up(factory, now().astimezone(zone).date()))

    threading.Thread(target=run, name="coverage", daemon=True).start()
    return stop
