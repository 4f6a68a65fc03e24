"""The verbs of the jobs: ask for one, take it, say how far it is, end it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session, sessionmaker

from exam_app.config import Config
from exam_app.jobs.models import Job
from training_records.database import now
from training_records.divisions import get_within, latest_within
from training_records.errors import RecordsError, Refused

log = structlog.get_logger()
# A process that says nothing for so long has died; another goes on.
SILENT = timedelta(seconds=60)
TRIES = 3
KEPT = timedelta(days=7)


class Stopped(Exception):
    """Somebody cancelled the job, or another process has it."""


@dataclass
class Work:
    """What a kind of job gets: sessions, settings, its parameters, and a folder that outlives the process."""

    job_id: int
    params: dict[str, Any]
    make_session: sessionmaker[Session]
    config: Config
    folder: Path

    def progress(self, done: int, total: int) -> None:
        """Says how far it is. `Stopped` when it is to end."""
        with self.make_session() as session:
            changed: Any = session.execute(
                update(Job)
                .where(Job.id == self.job_id, Job.state == "running")
                .values(done=done, total=total, claimed_at=now())
            )
            session.commit()
        if changed.rowcount != 1:
            raise Stopped


Handler = Callable[[Work], str | None]
"""Makes a job's file in its folder part by part; returns the file's name, None where there is none to take along."""


def ask(
    session: Session, kind: str, title: str, division_code: str, params: dict[str, Any], by: str
) -> Job:
    """A new job that waits for its turn."""
    job = Job(kind=kind, title=title[:100], division_code=division_code, params=params, by=by)
    session.add(job)
    session.flush()
    return job


def jobs_in(session: Session, prefix: str, limit: int = 30) -> list[Job]:
    """The latest jobs of offices in a division, newest first."""
    return latest_within(session, Job, prefix, limit)


def get_job(session: Session, job_id: int, prefix: str) -> Job:
    """A job of an office in the scope, or NotFound."""
    return get_within(session, Job, job_id, prefix, "这项任务")


def cancel(session: Session, job: Job) -> None:
    """Ends a job that is not done."""
    if job.state not in ("waiting", "running"):
        raise Refused("这项任务已经结束,不用取消")
    job.state, job.finished_at = "cancelled", now()


def retry(session: Session, job: Job) -> None:
    """Lets a failed or cancelled job begin again, from the parts that are there."""
    if job.state not in ("failed", "cancelled"):
        raise Refused("这项任务没有停下,不用重来")
    job.state, job.tries, job.message, job.claimed_at = "waiting", 0, None, None


def folder_of(config: Config, job_id: int) -> Path:
    """Where a job's parts and its file lie."""
    return config.instance / "jobs" / str(job_id)


def work_off(make_session: sessionmaker[Session], config: Config, kinds: dict[str, Handler]) -> int:
    """Does all jobs that wait; how many."""
    count = 0
    while (job := _take(make_session, list(kinds))) is not None:
        count += 1
        _do(make_session, config, kinds[job.kind], job)
    return count


def _take(make_session: sessionmaker[Session], kinds: list[str]) -> Job | None:
    with make_session() as session:
        session.connection(execution_options={"read_only": True})
        dead = (Job.state == "running") & (Job.claimed_at < now() - SILENT)
        free = or_(Job.state == "waiting", dead)
        query = select(Job.id).where(free, Job.kind.in_(kinds)).order_by(Job.id).limit(1)
        number = session.scalar(query)
        session.rollback()
        if number is None:
            return None
        taken: Any = session.execute(
            update(Job)
            .where(Job.id == number, free)
            .values(state="running", claimed_at=now(), tries=Job.tries + 1)
        )
        session.commit()
        if taken.rowcount == 1:
            return session.get(Job, number)
    return _take(make_session, kinds)


def _do(make_session: sessionmaker[Session], config: Config, handler: Handler, job: Job) -> None:
    folder = folder_of(config, job.id)
    folder.mkdir(parents=True, exist_ok=True)
    work = Work(job.id, job.params, make_session, config, folder)
    try:
        name = handler(work)
    except Stopped:
        return
    except RecordsError as refused:
        _end(make_session, job.id, state="failed", message=str(refused)[:300])
    except Exception:
        log.exception("job", job=job.id, kind=job.kind)
        # Once more from where it stopped; what fails again and again stays in the list.
        again = job.tries < TRIES
        _end(
            make_session,
            job.id,
            state="waiting" if again else "failed",
            message="出了问题,正在重试" if again else "三次都没有做成,请把编号告诉管理员",
        )
    else:
        _end(make_session, job.id, state="done", file=name, message=None)


def _end(make_session: sessionmaker[Session], job_id: int, **values: Any) -> None:
    ended = None if values["state"] == "waiting" else now()
    with make_session() as session:
        session.execute(
            update(Job)
            .where(Job.id == job_id, Job.state == "running")
            .values(finished_at=ended, **values)
        )
        session.commit()


def forget_old(make_session: sessionmaker[Session], config: Config) -> int:
    """Removes the files of jobs that ended a week ago; how many."""
    with make_session() as session:
        session.connection(execution_options={"read_only": True})
        old = session.scalars(
            select(Job.id).where(Job.finished_at < now() - KEPT, Job.file.is_not(None))
        ).all()
        session.rollback()
        for number in old:
            shutil.rmtree(folder_of(config, number), ignore_errors=True)
        if old:
            session.execute(update(Job).where(Job.id.in_(old)).values(file=None))
            session.commit()
    return len(old)
