"""The worker on PostgreSQL's queue (Procrastinate): every server process has one for the jobs and one for the
chores, so that a long job holds no chore up; of all processes one does each."""

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
# Seconds: between looks into the queue where no notice comes; a sign of life; without one a worker has died.
LOOK, ALIVE, DEAD = 5.0, 10.0, 30.0
# Seconds: how often a stop is looked for, how long a job under way is waited for then; before it begins anew.
TICK, GRACE, PAUSE = 0.5, 5.0, 3.0
# A clock that moved by more seconds than passed was set: what is due is reckoned anew.
JUMP = 5.0
KEPT_HOURS = 7 * 24
_PUT_IN = text(
    f"SELECT (args->>'number')::int FROM {queue.TABLE} "  # noqa: S608  # nosec B608
    f"WHERE task_name = '{queue.TASK}' AND status IN ('todo', 'doing')"
)


class TryAgain(BaseRetryStrategy):
    """What a job says of itself decides."""

    def get_retry_decision(self, *, exception: BaseException, job: Entry) -> RetryDecision | None:
        if isinstance(exception, Retry):
            return RetryDecision(retry_in={"seconds": exception.seconds})
        return None


def work(
    background: Background,
    kinds: dict[str, Handler],
    chores: list[PeriodicTask],
    url: URL,
    stop: threading.Event,
) -> None:
    """Works until `stop` is set; begins anew when the database was away or the clock was set."""
    # What goes wrong is said by the jobs themselves, and here.
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)

    def go_on(name: str, make: Callable[[], App]) -> None:
        while not stop.is_set():
            guarded(name, lambda: asyncio.run(_run(make(), name, url, stop)))
            stop.wait(PAUSE)

    beside = threading.Thread(
        target=go_on,
        args=(queue.CHORES, lambda: _chores(background, kinds, chores)),
        name="chores",
        daemon=True,
    )
    beside.start()
    # The threads that this one starts do the jobs: after all that is asked for by people.
    lower_priority()
    go_on(queue.JOBS, lambda: _jobs(background, kinds))
    beside.join()


async def _run(app: App, name: str, url: URL, stop: threading.Event) -> None:
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
    """By how much the machine's clock is ahead of the time that passes."""
    return time.time() - time.monotonic()


def _jobs(background: Background, kinds: dict[str, Handler]) -> App:
    app = App(connector=PsycopgConnector())

    @app.task(name=queue.TASK, queue=queue.JOBS, retry=TryAgain())
    def job(number: int) -> None:
        perform(background, kinds, number)

    return app


def _chores(background: Background, kinds: dict[str, Handler], chores: list[PeriodicTask]) -> App:
    app = App(connector=PsycopgConnector())
    for chore in chores:
        _add(app, background, chore)

    @app.periodic(cron=cron(60))
    @app.task(name="look after", queue=queue.CHORES, queueing_lock="look after", pass_context=True)
    async def look_after(context: JobContext, timestamp: int) -> None:
        await _clear(context)
        await asyncio.to_thread(put_missing, background, kinds)

    return app


def _add(app: App, background: Background, chore: PeriodicTask) -> None:
    # Of one chore no two wait; two may be at it, they lock what they change.
    @app.periodic(cron=cron(chore.every))
    @app.task(name=chore.name, queue=queue.CHORES, queueing_lock=chore.name)
    def do(timestamp: int) -> None:
        guarded(chore.name, lambda: chore.do(background))


def cron(every: int) -> str:
    """Every so many seconds, minutes or hours as cron says it; the seconds come last."""
    for size, form in ((3600, "0 */{} * * *"), (60, "*/{} * * * *"), (1, "* * * * * */{}")):
        if every % size == 0:
            return form.format(every // size)
    raise ValueError(every)


async def _clear(context: JobContext) -> None:
    """What those who died had taken: jobs go back into the queue, chores are due again anyway; what ended long
    ago goes."""
    manager = context.app.job_manager
    for entry in await manager.get_stalled_jobs(seconds_since_heartbeat=DEAD):
        if entry.queue == queue.JOBS:
            await manager.retry_job(entry)
        else:
            await manager.finish_job(entry, Status.FAILED, delete_job=True)
    await manager.prune_stalled_workers(DEAD)
    await manager.delete_old_jobs(nb_hours=KEPT_HOURS, include_failed=True)


def put_missing(background: Background, kinds: dict[str, Handler]) -> int:
    """Puts in what waits and does not stand in the queue: copied from another engine, asked for by an older
    version beside this one, or left by a worker that lost the database; how many."""
    with background.make_session() as session:
        queued = set(session.scalars(_PUT_IN))
        missing = [number for number in pending_jobs(session, kinds) if number not in queued]
        for number in missing:
            queue.put(session, number)
        session.commit()
    return len(missing)
