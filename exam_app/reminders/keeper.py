"""The thread that reminds: notes what is due every quarter of an hour and sends what may be sent."""

from __future__ import annotations

import threading

import structlog
from flask import Flask
from sqlalchemy.exc import DBAPIError

from exam_app.accounts.hashing import step_back
from exam_app.reminders.service import note_due, send_due
from training_records.database import now

log = structlog.get_logger()
EVERY = 900.0


def start_reminding(app: Flask, every: float = EVERY) -> threading.Event:
    """Reminds until the returned event is set, at low priority; of several processes each thing by one only."""
    stop, config = threading.Event(), app.config["ACADEMY"]
    factory = app.extensions["session_factory"]

    def run() -> None:
        step_back()
        while not stop.wait(every):
            try:
                note_due(factory, config, now())
                send_due(factory, config, now())
            except DBAPIError as error:
                log.error("reminders", error=type(error.orig).__name__)
            except Exception:
                log.exception("reminders")

    threading.Thread(target=run, name="reminders", daemon=True).start()
    return stop
