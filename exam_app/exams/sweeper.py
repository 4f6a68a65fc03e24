"""The sweep: closes overdue attempts, releases due results and copies attempt events to the audit log."""

from __future__ import annotations

import structlog

from exam_app.core.background import Background
from exam_app.exams.invigilation import copy_events, sweep
from training_records.clock import CLOCK

log = structlog.get_logger()


def sweep_once(background: Background) -> int:
    """One round; returns how many attempts it closed or released.

    Each attempt is locked and rechecked, so that concurrent sweeps don't close one twice.
    """
    if jump := CLOCK.jump():
        log.error("clock", seconds=round(jump))
    with background.make_session() as session:
        done = sweep(session, background.config.zone)
        while copy_events(session):
            pass
    if done:
        log.info("sweep", attempts=done)
    return done
