"""The in-process worker: pending jobs and due periodic tasks on two threads.

A long job therefore never delays a periodic task. Meant for SQLite; works on every engine.
"""

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
    *,
    stop: threading.Event,
) -> None:
    """Runs until `stop` is set."""
    due = {task.name: time.monotonic() for task in chores}

    def run_due() -> None:
        for task in chores:
            if time.monotonic() >= due[task.name]:
                due[task.name] = time.monotonic() + task.every
                guarded(task.name, partial(task.do, background))

    # Only the job thread gets low priority: periodic tasks are short, and some of them close exams.
    tasks_thread = threading.Thread(target=_loop, args=(run_due, stop), name="chores", daemon=True)
    tasks_thread.start()
    lower_priority()
    _loop(lambda: guarded("jobs", lambda: run_pending(background, kinds)), stop)
    tasks_thread.join()


def _loop(step: Callable[[], object], stop: threading.Event) -> None:
    while not stop.wait(EVERY):
        step()


def guarded(name: str, do: Callable[[], object]) -> None:
    """Runs `do` and logs any exception, so that the thread survives."""
    try:
        do()
    except DBAPIError as error:
        log.error(name, error=type(error.orig).__name__)
    except Exception:
        log.exception(name)
