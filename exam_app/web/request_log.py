"""The request log: one line per request."""

from __future__ import annotations

import random
import time

import structlog

from exam_app.core.logs import LOG, line
from exam_app.core.metrics import observe

log = structlog.get_logger()


def new_request_id() -> str:
    """A random id that identifies the request in the log. Not a secret, so a fast PRNG is enough."""
    return f"{random.getrandbits(64):016x}"  # nosec B311


def log_request(
    method: str, endpoint: str | None, status: int, *, started: float, request_id: str | None = None
) -> None:
    """Logs and measures one request, without personal data.

    `started`: `time.perf_counter` at its beginning. `request_id`: only for requests handled outside
    Flask; they have no log context, so the line is written to the log directly.
    """
    seconds = time.perf_counter() - started
    observe(method, endpoint, status, seconds=seconds)
    ms = round(1000 * seconds, 1)
    fields = {"method": method, "endpoint": endpoint, "status": status, "ms": ms}
    if request_id is None:
        log.info("request", **fields)
    else:
        LOG.info(line("info", {**fields, "request_id": request_id, "event": "request"}))
