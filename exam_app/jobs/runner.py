"""The thread that does jobs: every server process has one; a job is done by one of them at a time."""

from __future__ import annotations

import threading
import time

import structlog
from flask import Flask
from sqlalchemy.exc import DBAPIError

from exam_app.accounts.hashing import step_back
from exam_app.archive.anchors import anchor_today
from exam_app.archive.jobs import archives_job
from exam_app.certificates.jobs import certificates_job
from exam_app.exemplars.jobs import publish_job
from exam_app.jobs.service import Handler, forget_old, work_off
from exam_app.operations.partitions import make_ahead
from training_records.database import now

log = structlog.get_logger()
EVERY, TIDY = 1.0, 3600.0
KINDS: dict[str, Handler] = {
    "certificates": certificates_job,
    "archives": archives_job,
    "publish": publish_job,
}


def start_runner(app: Flask, every: float = EVERY) -> threading.Event:
    """Does jobs until the returned event is set, at low priority: examinees come first."""
    stop, config = threading.Event(), app.config["ACADEMY"]
    factory = app.extensions["session_factory"]

    def run() -> None:
        step_back()
        tidied = -TIDY
        while not stop.wait(every):
            try:
                work_off(factory, config, KINDS)
                if time.monotonic() - tidied > TIDY:
                    forget_old(factory, config)
                    today = now().astimezone(config.zone).date()
                    anchor_today(factory, config, today)
                    with factory() as session:
                        make_ahead(session.connection(), today)
                        session.commit()
                    tidied = time.monotonic()
            except DBAPIError as error:
                log.error("jobs", error=type(error.orig).__name__)
            except Exception:
                log.exception("jobs")

    threading.Thread(target=run, name="jobs", daemon=True).start()
    return stop
