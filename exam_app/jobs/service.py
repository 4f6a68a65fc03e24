"""The verbs of the jobs: enqueue, claim, report progress, end."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session, sessionmaker

from exam_app.config import Config
from exam_app.core.background import Background
from exam_app.core.rows import rows_changed
from exam_app.jobs import queue
from exam_app.jobs.models import Job
from training_records.database import now, read_only
from training_records.divisions import get_within, latest_within
from training_records.errors import RecordsError, Refused

log = structlog.get_logger()
# A process that reported no progress for so long is dead; another one takes over.
SILENT = timedelta(seconds=60)
TRIES = 3
# Seconds.
WAIT = 0.5
KEPT = timedelta(days=7)


class Cancelled(Exception):
    """The job was cancelled, or another process has claimed it."""


class Retry(Exception):
    """The job is to be retried in `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class ClaimedElsewhere(Retry):
    """Another process is running the job; check again later, in case that process dies."""

    def __init__(self) -> None:
        super().__init__(int(SILENT.total_seconds()))


class GivenUp(Exception):
    """The job failed for good and is not retried automatically; it stays in the list."""


@dataclass(frozen=True)
class Work(Background):
    """What a job is given in addition: its parameters, and a folder that outlives the process."""

    job_id: int
    claim: int
    # JSON; each kind of job defines its shape.
    params: dict[str, Any]
    folder: Path

    def progress(self, done: int, total: int) -> None:
        """Reports progress. `Cancelled` when the job is to stop."""
        values = {"done": done, "total": total, "claimed_at": now()}
        if not _change(self.make_session, self.job_id, self.claim, values=values):
            raise Cancelled


Handler = Callable[[Work], str | None]
"""Makes a job's file in its folder, part by part; returns the file's name, None without a file to download."""


def enqueue(
    session: Session,
    kind: str,
    title: str,
    *,
    division_code: str,
    params: Mapping[str, object],
    by: str,
) -> Job:
    """Creates a waiting job; it is queued once the session is committed."""
    job = Job(
        kind=kind,
        title=title[:100],
        division_code=division_code,
        params=dict(params),
        created_by=by,
    )
    session.add(job)
    session.flush()
    queue.put(session, job.id)
    return job


def jobs_in(session: Session, prefix: str, limit: int = 30) -> list[Job]:
    """The latest jobs of the offices in a division, newest first."""
    return latest_within(session, Job, prefix, limit=limit)


def get_job(session: Session, job_id: int, prefix: str) -> Job:
    """A job of an office within the scope, or NotFound."""
    return get_within(session, Job, job_id, prefix=prefix, what="这项任务")


def cancel(session: Session, job: Job) -> None:
    """Cancels a job that has not ended. A queue entry for it does nothing then."""
    if job.state not in ("waiting", "running"):
        raise Refused("这项任务已经结束，不用取消")
    job.state, job.finished_at = "cancelled", now()


def retry(session: Session, job: Job) -> None:
    """Restarts a failed or cancelled job; it resumes from the parts that exist."""
    if job.state not in ("failed", "cancelled"):
        raise Refused("这项任务没有停下，不用重来")
    job.state, job.tries, job.message, job.claimed_at = "waiting", 0, None, None
    session.flush()
    queue.put(session, job.id)


def folder_of(config: Config, job_id: int) -> Path:
    """The folder of a job's parts and its file."""
    return config.instance / "jobs" / str(job_id)


def is_free() -> ColumnElement[bool]:
    """Condition: the job is waiting, or its process is dead."""
    dead = (Job.state == "running") & (Job.claimed_at < now() - SILENT)
    return or_(Job.state == "waiting", dead)


def pending_jobs(session: Session, kinds: Iterable[str]) -> list[int]:
    """The ids of jobs that no process is running, oldest first."""
    query = select(Job.id).where(is_free(), Job.kind.in_(kinds))
    return list(session.scalars(query.order_by(Job.id)))


def perform(background: Background, kinds: dict[str, Handler], number: int) -> bool:
    """Runs a job unless it has ended; returns whether it ran.

    `Retry` when it failed and is to be retried, `ClaimedElsewhere` when another process is running
    it, `GivenUp` when it failed for good.
    """
    job = _claim(background.make_session, kinds, number)
    if job is None:
        return False
    if job.tries > TRIES:
        # Every process that claimed it died.
        _end(background, job, state="failed", message="三次都没有做成，请把编号告诉管理员")
        raise GivenUp
    folder = folder_of(background.config, job.id)
    folder.mkdir(parents=True, exist_ok=True)
    work = Work(background.make_session, background.config, job.id, job.tries, job.params, folder)
    try:
        name = kinds[job.kind](work)
    except Cancelled:
        return True
    except RecordsError as refused:
        _end(background, job, state="failed", message=str(refused)[:300])
        raise GivenUp from None
    except Exception:
        log.exception("job", job=job.id, kind=job.kind)
    else:
        _end(background, job, state="done", file=name, message=None)
        return True
    # Retry from where it stopped; after `TRIES` failures the job stays in the list as failed.
    if job.tries < TRIES:
        _end(background, job, state="waiting", message="出了问题，正在重试")
        raise Retry(0)
    _end(background, job, state="failed", message="三次都没有做成，请把编号告诉管理员")
    raise GivenUp


def run_pending(background: Background, kinds: dict[str, Handler]) -> int:
    """Runs all free jobs; returns the number of runs."""
    count = 0
    while numbers := _waiting_now(background, kinds):
        for number in numbers:
            try:
                count += perform(background, kinds, number)
            except ClaimedElsewhere:
                pass
            except (Retry, GivenUp):
                count += 1
    return count


def finish(background: Background, kinds: dict[str, Handler], number: int) -> None:
    """Runs a job synchronously, or waits until the process that claimed it has finished."""
    while True:
        try:
            perform(background, kinds, number)
            return
        except ClaimedElsewhere:
            time.sleep(WAIT)
        except Retry:
            continue
        except GivenUp:
            return


def _waiting_now(background: Background, kinds: Iterable[str]) -> list[int]:
    with background.make_session() as session:
        return pending_jobs(read_only(session), kinds)


def _claim(make_session: sessionmaker[Session], kinds: Iterable[str], number: int) -> Job | None:
    """Claims a job and returns it; None when it has ended. `ClaimedElsewhere` when another process has it."""
    with make_session() as session:
        claimed = rows_changed(
            session,
            update(Job)
            .where(Job.id == number, is_free(), Job.kind.in_(kinds))
            .values(state="running", claimed_at=now(), tries=Job.tries + 1),
        )
        session.commit()
        job = session.get(Job, number)
    if claimed == 1:
        return job
    if job is not None and job.state in ("waiting", "running"):
        raise ClaimedElsewhere
    return None


def _change(
    make_session: sessionmaker[Session], number: int, claim: int, *, values: dict[str, object]
) -> bool:
    """Updates a job while the claim is still valid: a process presumed dead changes nothing."""
    with make_session() as session:
        changed = rows_changed(
            session,
            update(Job)
            .where(Job.id == number, Job.state == "running", Job.tries == claim)
            .values(**values),
        )
        session.commit()
    return changed == 1


def _end(background: Background, job: Job, **values: object) -> None:
    ended = None if values["state"] == "waiting" else now()
    _change(background.make_session, job.id, job.tries, values={"finished_at": ended, **values})


def forget_old(background: Background) -> int:
    """Deletes the files of jobs that ended a week ago; returns how many jobs."""
    with background.make_session() as session:
        read_only(session)
        expired = session.scalars(
            select(Job.id).where(Job.finished_at < now() - KEPT, Job.file.is_not(None))
        ).all()
        session.rollback()
        for number in expired:
            shutil.rmtree(folder_of(background.config, number), ignore_errors=True)
        if expired:
            session.execute(update(Job).where(Job.id.in_(expired)).values(file=None))
            session.commit()
    return len(expired)
