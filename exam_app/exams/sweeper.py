"""The sweep: closes overdue attempts, shows results that are due and copies what changed in attempts to
the audit log, whether or not anyone looks."""

from __future__ import annotations

import structlog

from exam_app.core.background import Background
from exam_app.exams.invigilation import copy_events, sweep
from training_records.clock import CLOCK

log = structlog.get_logger()


def sweep_once(background: Background) -> int:
    """One round; how many attempts it closed or showed. It locks one attempt at a time and looks again, so that
    of several none closes one twice."""
    if apart := CLOCK.jump():
        log.error("clock", seconds=round(apart))
    with background.make_session() as session:
        done = sweep(session, background.config.zone)
        while copy_events(session):
            pass
    if done:
        log.info("sweep", attempts=done)
    return done
