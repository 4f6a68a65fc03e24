"""The worker in the process: does the jobs that wait and the chores that are due, in two threads, so that a long
job holds no chore up. For SQLite; it works on every engine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

import structlog
from sqlalchemy.exc import DBAPIError

from exam_app.core.background import Background, PeriodicTask
from exam_app.core.threads import lower_priority
from exam_app.jobs.service import Handler, run_pending

log = structlog.get_logger()
EVERY = 1.0


def work(
    background: Background,
    kinds: dict[str, Handler],
    chores: list[PeriodicTask],
    stop: threading.Event,
) -> None:
    """Works until `stop` is set."""
    due = {chore.name: time.monotonic() for chore in chores}

    def do_chores() -> None:
        for chore in chores:
            if time.monotonic() >= due[chore.name]:
                due[chore.name] = time.monotonic() + chore.every
                guarded(chore.name, partial(chore.do, background))

    # Only the jobs come after all that is asked for by people: chores are short, and some of them close exams.
    beside = threading.Thread(target=_loop, args=(do_chores, stop), name="chores", daemon=True)
    beside.start()
    lower_priority()
    _loop(lambda: guarded("jobs", lambda: run_pending(background, kinds)), stop)
    beside.join()


def _loop(step: Callable[[], object], stop: threading.Event) -> None:
    while not stop.wait(EVERY):
        step()


def guarded(name: str, do: Callable[[], object]) -> None:
    """Does something that must not end the thread; what goes wrong is in the log."""
    try:
        do()
    except DBAPIError as error:
        log.error(name, error=type(error.orig).__name__)
    except Exception:
        log.exception(name)
