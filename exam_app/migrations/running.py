"""Runs Alembic migrations over the one metadata of all packages."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine

import exam_app.migrations.metadata  # noqa: F401 (fills the metadata)

if TYPE_CHECKING:
    from alembic.config import Config as AlembicConfig

# Alembic is loaded where it is needed: a worker of the server hardly ever does.
FOLDER = Path(__file__).parent


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Whether an object is covered by the models; the queue's tables belong to its library."""
    return kind != "table" or not str(name).startswith("procrastinate_")


def _config(engine: Engine | None = None, out: io.StringIO | None = None) -> AlembicConfig:
    from alembic.config import Config as AlembicConfig

    config = AlembicConfig(output_buffer=out)
    config.set_main_option("script_location", str(FOLDER))
    if engine is not None:
        config.attributes["engine"] = engine
    return config


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Migrates the database to `revision`, by default the code's version."""
    from alembic import command

    command.upgrade(_config(engine), revision)


def statements(revisions: str) -> str:
    """The SQL that migrations such as ``0018:0019`` issue on PostgreSQL, without a database."""
    from alembic import command

    out = io.StringIO()
    command.upgrade(_config(out=out), revisions, sql=True)
    return out.getvalue()


def is_current(engine: Engine) -> bool:
    """Whether every migration has run."""
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    head = ScriptDirectory(str(FOLDER)).get_current_head()
    with engine.connect().execution_options(read_only=True) as connection:
        return MigrationContext.configure(connection).get_current_revision() == head


def make(engine: Engine, message: str) -> None:
    """Writes a new migration from the difference between database and models (for developers)."""
    from alembic import command

    command.revision(_config(engine), message=message, autogenerate=True)
