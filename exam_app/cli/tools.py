"""Helpers common to all commands."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exam_app.config import Config, load_config

if TYPE_CHECKING:
    from sqlalchemy.orm import Session, sessionmaker

json_option = click.option("--json", "as_json", is_flag=True, help="标准输出只有一个 JSON 文档")


@contextmanager
def open_session(config: Config | None = None) -> Iterator[tuple[Session, Config]]:
    """A session on the configured database; the command commits."""
    with open_factory(config) as (factory, config), factory() as session:
        yield session, config


@contextmanager
def open_factory(config: Config | None = None) -> Iterator[tuple[sessionmaker[Session], Config]]:
    """A session factory on the configured database, for commands that need several sessions."""
    # Loaded here, so that commands without a database start at once.
    from training_records.database import make_engine, make_session_factory

    config = config or load_config()
    engine = make_engine(config.database_url)
    try:
        yield make_session_factory(engine), config
    finally:
        engine.dispose()


def say(text: str) -> None:
    """Prints a line for people, on stderr."""
    click.echo(text, err=True)


def emit(data: object) -> None:
    """Prints the one JSON document, on stdout."""
    click.echo(json_text(data))


def json_text(data: object) -> str:
    """JSON for people and scripts: days and moments as ISO 8601, decimals as numbers."""
    return json.dumps(data, ensure_ascii=False, indent=2, default=_encoded)


def _encoded(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def write_file(path: str, data: bytes) -> None:
    """Writes a result and reports its path."""
    Path(path).write_bytes(data)
    say(f"已写入 {path}")


def stop(code: int) -> None:
    sys.exit(code)
