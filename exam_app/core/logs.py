"""The log: one line of JSON per event, on standard error.

Never raises: on a full disk log lines are dropped, requests are not.

A server logs every request, so writing must be cheap. Workers buffer `info` lines briefly and write
them in batches. Warnings and errors are written at once, after all buffered lines.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from json import JSONEncoder
from multiprocessing.util import Finalize

import structlog
from structlog.typing import Processor

# Seconds between flushes; a worker that is killed loses at most this much of its log.
PAUSE = 0.2
# Lines buffered while standard error is blocked; beyond that the oldest are dropped.
MAX_HELD = 50_000
_ENCODE = JSONEncoder(ensure_ascii=False, default=repr).encode


class Log:
    """The logger behind structlog."""

    def __init__(self) -> None:
        self._held: deque[str] = deque(maxlen=MAX_HELD)
        self._holds = False
        self._flushing = threading.Lock()

    def info(self, line: str) -> None:
        """Writes a line at once, or buffers it while `hold` is in effect."""
        self._held.append(line)
        if not self._holds:
            self.pour()

    debug = info

    def error(self, line: str) -> None:
        """Writes a line at once, after all buffered lines."""
        self._held.append(line)
        self.pour()

    warning = critical = exception = error

    def pour(self) -> None:
        """Writes all buffered lines."""
        # Serialised: a concurrent flush could write lines out of order, after an error they
        # precede.
        with self._flushing:
            lines = []
            with suppress(IndexError):
                while True:
                    lines.append(self._held.popleft() + "\n")
            if lines:
                with suppress(OSError):
                    sys.stderr.write("".join(lines))
                    sys.stderr.flush()

    def hold(self) -> None:
        """Starts buffering in this process, with a periodic flush; the rest is written at exit."""
        if self._holds:
            return
        self._holds = True

        def flush_periodically() -> None:
            while True:
                time.sleep(PAUSE)
                self.pour()

        threading.Thread(target=flush_periodically, name="log", daemon=True).start()
        Finalize(None, self.pour, exitpriority=0)


LOG = Log()


def line(level: str, values: Mapping[str, object]) -> str:
    """An event as one line of JSON, with the current time."""
    at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return _ENCODE({**values, "level": level, "timestamp": at})


def _render(_logger: object, level: str, values: Mapping[str, object]) -> str:
    return line(level, values)


PROCESSORS: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.format_exc_info,
    _render,
]


def init_logs() -> None:
    """Routes the events of all loggers to `LOG`."""
    structlog.configure(
        processors=PROCESSORS,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: LOG,
        cache_logger_on_first_use=True,
    )
