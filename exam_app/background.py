"""The background work of the server processes, run by the worker that fits the database."""

from __future__ import annotations

import threading

from flask import Flask

from exam_app.archive.anchors import anchor_today
from exam_app.archive.jobs import archives_job
from exam_app.certificates.jobs import certificates_job
from exam_app.core import form_keys
from exam_app.core.background import Background, PeriodicTask
from exam_app.exams.sweeper import sweep_once
from exam_app.exemplars.jobs import publish_job
from exam_app.jobs import local_worker, procrastinate_worker
from exam_app.jobs.queue import has_queue
from exam_app.jobs.service import Handler, forget_old
from exam_app.ledger.importing import import_job
from exam_app.operations.partitions import make_ahead
from exam_app.reminders.service import note_due, send_due
from exam_app.sheets.reader import adopt, scans_job
from exam_app.web.services import services_of
from training_records.database import now

KINDS: dict[str, Handler] = {
    "certificates": certificates_job,
    "archives": archives_job,
    "publish": publish_job,
    "scans": scans_job,
    "import": import_job,
}


def remind(background: Background) -> None:
    """Records due reminders and sends those that may be sent."""
    note_due(background.make_session, background.config, now())
    send_due(background.make_session, background.config, now())


def tidy(background: Background) -> None:
    """Periodic maintenance: expired job files and forms, the chains' anchor, partitions for coming years."""
    forget_old(background)
    today = now().astimezone(background.config.zone).date()
    anchor_today(background.make_session, background.config, today)
    with background.make_session() as session:
        form_keys.forget_old(session)
        make_ahead(session.connection(), today)
        session.commit()


CHORES = [
    PeriodicTask("sweep", 15, sweep_once),
    PeriodicTask("scans", 60, adopt),
    PeriodicTask("reminders", 900, remind),
    PeriodicTask("tidy", 3600, tidy),
]


def start_background(app: Flask, chores: list[PeriodicTask] = CHORES) -> threading.Event:
    """Runs jobs and periodic tasks on a thread until the returned event is set."""
    stop, services = threading.Event(), services_of(app)
    engine = services.engine
    background = Background(services.session_factory, app.config["ACADEMY"])
    with engine.connect().execution_options(read_only=True) as connection:
        queued = has_queue(connection)

    def run() -> None:
        if queued:
            procrastinate_worker.work(background, KINDS, chores, url=engine.url, stop=stop)
        else:
            local_worker.work(background, KINDS, chores, stop=stop)

    threading.Thread(target=run, name="background", daemon=True).start()
    return stop
