"""The environment of background work, and the definition of periodic tasks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from exam_app.config import Config


@dataclass(frozen=True)
class Background:
    """What background work is given: a session factory and the configuration."""

    make_session: sessionmaker[Session]
    config: Config


@dataclass(frozen=True)
class PeriodicTask:
    """A task due every `every` seconds. Processes may run it concurrently: it locks what it changes."""

    name: str
    every: int
    do: Callable[[Background], object]
