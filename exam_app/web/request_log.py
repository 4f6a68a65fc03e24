"""One line of the log for each request."""

from __future__ import annotations

import random
import time

import structlog

from exam_app.core.logs import LOG, line
from exam_app.core.metrics import observe

log = structlog.get_logger()


def new_request_id() -> str:
    """A number by which a request is found in the log; no secret, so the system is not asked for randomness."""
    return f"{random.getrandbits(64):016x}"  # nosec B311


def log_request(
    method: str, endpoint: str | None, status: int, started: float, request_id: str | None = None
) -> None:
    """One line a request, without personal data; `started`: `time.perf_counter` at its beginning; `request_id`:
    that of one outside Flask, which has no context to add: its line takes the short way."""
    seconds = time.perf_counter() - started
    observe(method, endpoint, status, seconds)
    ms = round(1000 * seconds, 1)
    told = {"method": method, "endpoint": endpoint, "status": status, "ms": ms}
    if request_id is None:
        log.info("request", **told)
    else:
        LOG.info(line("info", {**told, "request_id": request_id, "event": "request"}))
