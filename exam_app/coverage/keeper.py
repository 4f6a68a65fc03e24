"""Keeps the running figures up to date: in the background of every server process, and before a page shows
them, so that one sees what one has just recorded."""

from __future__ import annotations

import threading
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session, sessionmaker

from exam_app.jobs.local_worker import guarded
from training_records.coverage.running import apply_pending, is_stale
from training_records.database import now, read_only

# A page catches up before it shows figures, so that nobody waits for this; it keeps the pages quick.
EVERY = 2.0
# What a page waits for; the rest is left to the background.
AT_ONCE = 500


def keep_up(factory: sessionmaker[Session], today: date, rounds: int | None = None) -> bool:
    """Works off what has changed, `rounds` times at most; whether the figures are of now."""
    with factory() as session:
        if not is_stale(read_only(session), today):
            return True
    while rounds is None or rounds > 0:
        with factory() as session:
            more = apply_pending(session, today, AT_ONCE)
            session.commit()
        if not more:
            return True
        rounds = None if rounds is None else rounds - 1
    return False


def start_keeper(
    factory: sessionmaker[Session], zone: ZoneInfo, every: float = EVERY
) -> threading.Event:
    """A thread that keeps the figures up to date until the returned event is set."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(every):
            guarded("coverage", lambda: keep_up(factory, now().astimezone(zone).date()))

    threading.Thread(target=run, name="coverage", daemon=True).start()
    return stop
