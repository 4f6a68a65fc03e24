"""The worker on PostgreSQL's queue (Procrastinate).

Every server process runs one worker for jobs and one for periodic tasks, so that a long job never
delays a periodic task. Each queue entry is run by one process only.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import structlog
from procrastinate import App, BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision
from procrastinate.jobs import Job as Entry
from procrastinate.jobs import Status
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import URL, text

from exam_app.core.background import Background, PeriodicTask
from exam_app.core.threads import lower_priority
from exam_app.jobs import queue
from exam_app.jobs.local_worker import guarded
from exam_app.jobs.service import Handler, Retry, pending_jobs, perform
from training_records.database import libpq

log = structlog.get_logger()
# Seconds: poll interval without notification; heartbeat interval; heartbeat age at which a worker
# is dead.
LOOK, ALIVE, DEAD = 5.0, 10.0, 30.0
# Seconds: poll interval for `stop`; grace for a running job at shutdown; pause before a restart.
TICK, GRACE, PAUSE = 0.5, 5.0, 3.0
# A wall clock that drifts by more seconds from the monotonic one was set; the schedule is computed
# anew.
JUMP = 5.0
KEPT_HOURS = 7 * 24
_QUEUED = text(
    f"SELECT (args->>'number')::int FROM {queue.TABLE} "  # noqa: S608  # nosec B608
    f"WHERE task_name = '{queue.TASK}' AND status IN ('todo', 'doing')"
)


class TryAgain(BaseRetryStrategy):
    """Retries only when the job asks for it by raising `Retry`."""

    def get_retry_decision(self, *, exception: BaseException, job: Entry) -> RetryDecision | None:
        if isinstance(exception, Retry):
            return RetryDecision(retry_in={"seconds": exception.seconds})
        return None


def work(
    background: Background,
    kinds: dict[str, Handler],
    chores: list[PeriodicTask],
    *,
    url: URL,
    stop: threading.Event,
) -> None:
    """Runs until `stop` is set; restarts when the database was unavailable or the clock was set."""
    # Errors are logged by the jobs themselves and by `guarded`.
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)

    def keep_running(name: str, make: Callable[[], App]) -> None:
        while not stop.is_set():
            guarded(name, lambda: asyncio.run(_run(make(), name, url, stop=stop)))
            stop.wait(PAUSE)

    tasks_thread = threading.Thread(
        target=keep_running,
        args=(queue.CHORES, lambda: _chores(background, kinds, chores)),
        name="chores",
        daemon=True,
    )
    tasks_thread.start()
    # The threads started from here run the jobs and inherit the low priority: requests come first.
    lower_priority()
    keep_running(queue.JOBS, lambda: _jobs(background, kinds))
    tasks_thread.join()


async def _run(app: App, name: str, url: URL, *, stop: threading.Event) -> None:
    pool = AsyncConnectionPool(
        make_conninfo(**libpq(url)),
        min_size=1,
        max_size=2,
        open=False,
        check=AsyncConnectionPool.check_connection,
    )
    async with pool, app.open_async(pool):
        worker = asyncio.create_task(
            app.run_worker_async(
                queues=[name],
                name=name,
                fetch_job_polling_interval=LOOK,
                delete_jobs="successful",
                update_heartbeat_interval=ALIVE,
                stalled_worker_timeout=DEAD,
                shutdown_graceful_timeout=GRACE,
                install_signal_handlers=False,
            )
        )
        ahead = _ahead()
        while not stop.is_set() and not worker.done() and abs(_ahead() - ahead) < JUMP:
            await asyncio.sleep(TICK)
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker


def _ahead() -> float:
    """By how many seconds the wall clock is ahead of the monotonic clock."""
    return time.time() - time.monotonic()


def _jobs(background: Background, kinds: dict[str, Handler]) -> App:
    app = App(connector=PsycopgConnector())

    @app.task(name=queue.TASK, queue=queue.JOBS, retry=TryAgain())
    def job(number: int) -> None:
        perform(background, kinds, number)

    return app


def _chores(background: Background, kinds: dict[str, Handler], chores: list[PeriodicTask]) -> App:
    app = App(connector=PsycopgConnector())
    for task in chores:
        _add(app, background, task)

    @app.periodic(cron=cron(60))
    @app.task(name="look after", queue=queue.CHORES, queueing_lock="look after", pass_context=True)
    async def look_after(context: JobContext, timestamp: int) -> None:
        await _clear(context)
        await asyncio.to_thread(put_missing, background, kinds)

    return app


def _add(app: App, background: Background, task: PeriodicTask) -> None:
    # At most one queued run per periodic task (queueing_lock); runs may overlap, so tasks lock
    # their rows.
    @app.periodic(cron=cron(task.every))
    @app.task(name=task.name, queue=queue.CHORES, queueing_lock=task.name)
    def do(timestamp: int) -> None:
        guarded(task.name, lambda: task.do(background))


def cron(every: int) -> str:
    """A cron expression for every so many seconds, minutes or hours; seconds are the last field."""
    for size, form in ((3600, "0 */{} * * *"), (60, "*/{} * * * *"), (1, "* * * * * */{}")):
        if every % size == 0:
            return form.format(every // size)
    raise ValueError(every)


async def _clear(context: JobContext) -> None:
    """Cleans up after dead workers, and deletes old entries.

    Their jobs return to the queue; their periodic tasks are dropped, since they come due again.
    """
    manager = context.app.job_manager
    for entry in await manager.get_stalled_jobs(seconds_since_heartbeat=DEAD):
        if entry.queue == queue.JOBS:
            await manager.retry_job(entry)
        else:
            await manager.finish_job(entry, Status.FAILED, delete_job=True)
    await manager.prune_stalled_workers(DEAD)
    await manager.delete_old_jobs(nb_hours=KEPT_HOURS, include_failed=True)


def put_missing(background: Background, kinds: dict[str, Handler]) -> int:
    """Queues the pending jobs that have no queue entry; returns how many.

    Entries are missing when the jobs were copied from another engine, were enqueued by an older
    version running alongside, or belonged to a worker that lost the database.
    """
    with background.make_session() as session:
        queued = set(session.scalars(_QUEUED))
        missing = [number for number in pending_jobs(session, kinds) if number not in queued]
        for number in missing:
            queue.put(session, number)
        session.commit()
    return len(missing)
