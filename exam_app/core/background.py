"""What work in the background gets, and what comes round."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from exam_app.config import Config


@dataclass(frozen=True)
class Background:
    """What work in the background gets: sessions and settings."""

    make_session: sessionmaker[Session]
    config: Config


@dataclass(frozen=True)
class PeriodicTask:
    """What has to be done every `every` seconds, by one process or by several: it locks what it changes."""

    name: str
    every: int
    do: Callable[[Background], object]
