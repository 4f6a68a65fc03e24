"""The production server: Granian, with a compiled HTTP layer and the application on threads.

A save takes half the processor time it takes behind a pure Python server (`academy bench exam`).
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from exam_app.config import PREFIX, Config, load_config
from exam_app.core.memory import settle_memory
from exam_app.core.metrics import share_between_workers

if TYPE_CHECKING:
    from flask import Flask

# Many threads: most of them wait, for a password check or for a shared commit.
THREADS = 32
# Connections per worker, kept alive by phones; beyond this limit new ones wait.
CONNECTIONS = 65_536
GRACE_SECONDS = 20
# Seconds for a worker to load: two or three, more on a slow machine.
LOADING_SECONDS = 8
# Log to standard error: standard output belongs to the command (`--json`).
HANDLERS = {
    "console": {
        "class": "logging.StreamHandler",
        "formatter": "generic",
        "stream": "ext://sys.stderr",
    }
}
LOGGERS = {"_granian": {"handlers": ["console"], "propagate": False}}


def make() -> Flask:
    """The WSGI factory of a worker process: the application, its background work and its coverage keeper."""
    from exam_app.application import create_app
    from exam_app.background import start_background
    from exam_app.core.logs import LOG
    from exam_app.coverage.keeper import start_keeper
    from exam_app.web.services import services_of

    # A worker inherits the master's handler, which would swallow the order to stop while it loads.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    config = load_config()
    app = create_app(config)
    LOG.hold()
    start_keeper(services_of(app).session_factory, config.zone)
    start_background(app)
    settle_memory()
    return app


def allow_many_connections() -> None:
    """Raises the soft limit of open files to the hard limit: every phone in an exam keeps a connection."""
    _, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard_limit, hard_limit))


def run(target: str, host: str, port: int, *, workers: int | None = None) -> None:
    """Serves the WSGI factory `target` (``module:function``) until SIGTERM or SIGINT.

    On shutdown running requests are finished. A worker that dies is replaced. SIGHUP replaces the
    workers one by one.
    """
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    class Server(Granian):  # type: ignore[misc, valid-type]
        """On SIGHUP keeps the old worker until its replacement has loaded and listens."""

        respawn_interval: float

        def _reload(self, *arguments: object) -> object:
            normal_interval = self.respawn_interval
            self.respawn_interval = LOADING_SECONDS
            try:
                return super()._reload(*arguments)
            finally:
                self.respawn_interval = normal_interval

    allow_many_connections()
    share_between_workers()
    Server(
        target,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        factory=True,
        workers=workers or min(multiprocessing.cpu_count(), 4),
        blocking_threads=THREADS,
        backlog=4096,
        backpressure=CONNECTIONS,
        websockets=False,
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=GRACE_SECONDS,
        log_level=LogLevels.error,
        log_dictconfig={"handlers": HANDLERS, "loggers": LOGGERS},
    ).serve()


def begin(target: str, host: str, port: int, *, workers: int | None) -> NoReturn:
    """Goes over into a process with nothing loaded that serves `target`.

    A worker starts with what its master holds, so it would run old code after SIGHUP.
    """
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; from exam_app.serving import run;"
        f" run({target!r}, {host!r}, {port!r}, workers={workers!r})"
    )
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-c", code])  # noqa: S606


def hand_down(config: Config) -> None:
    """Exports settings given on the command line to the environment, for the worker processes."""
    for name, source in config.sources.items():
        if source == "命令行":
            value = getattr(config, name)
            text = str(int(value)) if isinstance(value, bool) else str(value)
            os.environ[PREFIX + name.upper()] = (
                str(Path(text).resolve()) if name == "instance" else text
            )
