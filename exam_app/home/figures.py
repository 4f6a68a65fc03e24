"""Prometheus metrics."""

from __future__ import annotations

import os

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exam_app.core.metrics import FOLDER, collectors
from exam_app.exams.models import Attempt
from exam_app.jobs.models import Job
from training_records.clock import CLOCK

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(session: Session) -> bytes:
    """Returns the metrics of all worker processes, and gauges computed from the database now."""
    from prometheus_client import REGISTRY, CollectorRegistry, Gauge, generate_latest, multiprocess

    registry = REGISTRY
    if FOLDER in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    collectors()
    current = CollectorRegistry()
    attempts = Gauge("academy_attempts_in_progress", "Exams under way", registry=current)
    attempts.set(
        session.scalar(
            select(func.count()).select_from(Attempt).where(Attempt.state == "in_progress")
        )
        or 0
    )
    clock = Gauge(
        "academy_clock_jump_seconds", "Machine's clock ahead of the server's", registry=current
    )
    clock.set(CLOCK.jump())
    jobs = Gauge("academy_jobs", "Jobs by state", ["state"], registry=current)
    for state in ("waiting", "running", "failed"):
        jobs.labels(state).set(0)
    for state, count in session.execute(select(Job.state, func.count()).group_by(Job.state)):
        jobs.labels(state).set(count)
    return bytes(generate_latest(registry) + generate_latest(current))
