"""Publishes chosen model workers and good-practice cases in the knowledge base, and removes withdrawn ones."""

from __future__ import annotations

import os
import subprocess
import sys

from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_app.jobs.models import Job
from exam_app.jobs.service import Work, enqueue
from exam_app.kb.published import (
    Published,
    PublishedCase,
    PublishedPerson,
    file_of,
    write_published,
)
from training_records.database import read_only
from training_records.divisions import ancestor, full_name
from training_records.errors import Refused
from training_records.exemplars.service import exemplars_in
from training_records.inspection.models import GoodCase


def gather_published(session: Session) -> Published:
    """Returns the current model workers and good-practice cases to publish, latest year first."""
    people = [
        PublishedPerson(row.year, person.name, full_name(session, row.village_code), row.words)
        for row, person in exemplars_in(session, "", states=("chosen",))
    ]
    query = select(GoodCase).where(GoodCase.state == "chosen")
    cases = [
        # Name only the district: a village could identify the people involved.
        PublishedCase(
            c.year,
            c.title,
            full_name(session, ancestor(c.division_code, "district")),
            c.situation,
            c.done,
            c.result,
        )
        for c in session.scalars(query.order_by(GoodCase.year.desc(), GoodCase.id))
    ]
    return Published(tuple(people), tuple(cases))


def ask_publication(session: Session, division_code: str, by: str) -> Job:
    """Queues a rebuild of the knowledge base, or returns the one already waiting."""
    waiting = session.scalar(select(Job).where(Job.kind == "publish", Job.state == "waiting"))
    return waiting or enqueue(
        session, "publish", "更新知识库“身边的典型”", division_code=division_code, params={}, by=by
    )


def publish_job(work: Work) -> None:
    """Writes the published content and rebuilds the site. A subprocess, because this process caches the pages."""
    with work.make_session() as session:
        published = gather_published(read_only(session))
    site = work.config.instance / "kb"
    write_published(file_of(site), published)
    work.progress(1, 2)
    build = subprocess.run(
        [sys.executable, "-m", "exam_app", "kb", "build"],
        capture_output=True,
        text=True,
        env={**os.environ, "ACADEMY_INSTANCE": str(work.config.instance)},
    )
    if build.returncode:
        raise Refused(f"知识库没有建成，还是原来的样子：{build.stderr.strip()[-200:]}")
    work.progress(2, 2)
