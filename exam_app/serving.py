"""The production server: Granian, whose HTTP side is compiled, with the application in threads behind.

A save costs half the processor time it costs behind a server in Python (`academy bench exam`).
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import resource
from pathlib import Path
from typing import TYPE_CHECKING

from exam_app.config import PREFIX, Config, load_config
from exam_app.core.metrics import share_between_workers

if TYPE_CHECKING:
    from flask import Flask

# Many, for most of them only wait: for a password check, for a commit that others share.
THREADS = 32
# Phones that keep their connection to one worker; beyond its limit the server lets others wait until some go.
CONNECTIONS = 65_536
GRACE_SECONDS = 20
# A worker takes two or three seconds to load; a slow machine more.
LOADING_SECONDS = 8
# New objects before the collector looks: a page makes some ten thousand that are gone with it.
YOUNG = 20_000
# Standard output is the command's own (`--json`): the server speaks on standard error.
HANDLERS = {
    "console": {
        "class": "logging.StreamHandler",
        "formatter": "generic",
        "stream": "ext://sys.stderr",
    }
}
LOGGERS = {"_granian": {"handlers": ["console"], "propagate": False}}


def make() -> Flask:
    """The application of one worker process, with its work in the background and its keeper of figures."""
    from exam_app.application import create_app
    from exam_app.background import start_background
    from exam_app.core.logs import LOG
    from exam_app.coverage.keeper import start_keeper
    from exam_app.web.services import services_of

    config = load_config()
    app = create_app(config)
    LOG.hold()
    start_keeper(services_of(app).session_factory, config.zone)
    start_background(app)
    settle_memory()
    return app


def settle_memory() -> None:
    """What is loaded so far stays: the collector of garbage need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 20)


def allow_many_connections() -> None:
    """Raises the limit of open files to what the system lets this process have: every phone that sits an
    exam keeps a connection."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def run(target: str, host: str, port: int, workers: int | None = None) -> None:
    """Serves the WSGI factory `target` (``module:function``) until SIGTERM or SIGINT; requests under
    way are finished, a worker that dies is replaced. SIGHUP replaces the workers one by one."""
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    class Server(Granian):  # type: ignore[misc, valid-type]
        """On SIGHUP an old worker stays until the new one in its place has loaded and listens."""

        respawn_interval: float

        def _reload(self, *arguments: object) -> object:
            usual = self.respawn_interval
            self.respawn_interval = LOADING_SECONDS
            try:
                return super()._reload(*arguments)
            finally:
                self.respawn_interval = usual

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


def hand_down(config: Config) -> None:
    """Puts settings that came from the command line into the environment, where the worker processes
    find them."""
    for name, source in config.sources.items():
        if source == "命令行":
            value = getattr(config, name)
            text = str(int(value)) if isinstance(value, bool) else str(value)
            os.environ[PREFIX + name.upper()] = (
                str(Path(text).resolve()) if name == "instance" else text
            )
