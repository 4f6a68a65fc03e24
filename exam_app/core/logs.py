"""The log: standard error, one line of JSON an event, from which nobody suffers: with a full disk a line of
the log is lost, not an answer.

A server writes a line a request, so what a line costs counts. Its workers keep what is only told (`info`) for a
moment and write some lines together; a warning or an error is written at once, with all before it.
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

# Seconds: what a worker that is killed may lose of its log.
PAUSE = 0.2
# Lines kept while standard error takes none; beyond that the oldest go.
MAX_HELD = 50_000
_ENCODE = JSONEncoder(ensure_ascii=False, default=repr).encode


class Log:
    """What structlog hands its lines to."""

    def __init__(self) -> None:
        self._held: deque[str] = deque(maxlen=MAX_HELD)
        self._holds = False
        self._pouring = threading.Lock()

    def info(self, line: str) -> None:
        """Written at once, or soon where lines are held."""
        self._held.append(line)
        if not self._holds:
            self.pour()

    debug = info

    def error(self, line: str) -> None:
        """Written at once."""
        self._held.append(line)
        self.pour()

    warning = critical = exception = error

    def pour(self) -> None:
        """Writes what is held."""
        # One thread at a time, or what another has taken out comes after an error that it belongs before.
        with self._pouring:
            lines = []
            with suppress(IndexError):
                while True:
                    lines.append(self._held.popleft() + "\n")
            if lines:
                with suppress(OSError):
                    sys.stderr.write("".join(lines))
                    sys.stderr.flush()

    def hold(self) -> None:
        """From here on lines of this process are held for a moment; at its end all are written."""
        if self._holds:
            return
        self._holds = True

        def pour_again() -> None:
            while True:
                time.sleep(PAUSE)
                self.pour()

        threading.Thread(target=pour_again, name="log", daemon=True).start()
        Finalize(None, self.pour, exitpriority=0)


LOG = Log()


def line(level: str, values: Mapping[str, object]) -> str:
    """An event as the log writes it, with the moment of now."""
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
    """Sends every logger's events to the log."""
    structlog.configure(
        processors=PROCESSORS,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: LOG,
        cache_logger_on_first_use=True,
    )
