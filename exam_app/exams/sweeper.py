"""The sweeper: closes overdue attempts, shows results that are due and copies what changed in attempts to
the audit log, whether or not anyone looks."""

from __future__ import annotations

import threading
from typing import Any

import structlog
from flask import Flask
from sqlalchemy.exc import DBAPIError

from exam_app.exams.invigilation import copy_events, sweep
from training_records.clock import CLOCK

log = structlog.get_logger()
EVERY = 15.0


def start_sweeper(app: Flask, every: float = EVERY) -> threading.Event:
    """A thread that sweeps until the returned event is set. Every server process has one: a sweep
    locks one attempt at a time and looks again, so that none is closed twice."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(every):
            if apart := CLOCK.jump():
                log.error("clock", seconds=round(apart))
            try:
                sweep_once(app)
            except DBAPIError as error:
                log.error("sweep", error=type(error.orig).__name__)
            except Exception:
                log.exception("sweep")

    threading.Thread(target=run, name="sweeper", daemon=True).start()
    return stop


def sweep_once(app: Flask) -> int:
    """One round; how many attempts it closed or showed."""
    config: Any = app.config["ACADEMY"]
    with app.extensions["session_factory"]() as session:
        done = sweep(session, config.zone)
        while copy_events(session):
            pass
    if done:
        log.info("sweep", attempts=done)
    return done
