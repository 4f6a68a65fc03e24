"""Alembic's environment; the engine is passed in by the caller."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import JSON, Connection, text

from exam_app.migrations.metadata import metadata
from exam_app.migrations.running import is_ours
from training_records.database import UtcDateTime


def render_item(kind: str, obj: object, autogen_context: AutogenContext) -> str | Literal[False]:
    if kind == "type" and isinstance(obj, UtcDateTime):
        autogen_context.imports.add("from training_records.database import UtcDateTime")
        return "UtcDateTime()"
    if kind == "type" and isinstance(obj, JSON):
        autogen_context.imports.add("from training_records.database import Json")
        return "Json"
    return False


# Requests queue behind a migration that waits for a lock, so it times out and is retried instead.
LIMITS = ("SET LOCAL lock_timeout = '5s'", "SET LOCAL statement_timeout = '15min'")


def migrate(connection: Connection | None = None) -> None:
    with context.begin_transaction():
        if context.get_context().dialect.name == "postgresql":
            for limit in LIMITS:
                context.execute(limit)
        context.run_migrations()
        if connection is not None:
            check_keys(connection)


@contextmanager
def unchecked(connection: Connection) -> Iterator[None]:
    """Suspends foreign keys: SQLite alters a table by recreating it.

    `check_keys` verifies all of them before the commit.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    raw = connection.connection.cursor()
    raw.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        connection.rollback()
        raw.execute("PRAGMA foreign_keys=ON")


def check_keys(connection: Connection) -> None:
    """Raises RuntimeError when a foreign key has no target row."""
    if connection.dialect.name == "sqlite":
        broken = connection.execute(text("PRAGMA foreign_key_check")).all()
        if broken:
            raise RuntimeError(f"broken foreign keys after the migration: {broken[:5]}")


def run() -> None:
    if context.is_offline_mode():
        # Offline: emit PostgreSQL's SQL, for the linter.
        context.configure(dialect_name="postgresql", target_metadata=metadata, literal_binds=True)
        migrate()
        return
    engine = context.config.attributes["engine"]
    with engine.connect() as connection, unchecked(connection):
        context.configure(
            connection=connection,
            target_metadata=metadata,
            render_as_batch=True,
            # SQLite supports transactional DDL once BEGIN is issued explicitly, as `make_engine`
            # does.
            transactional_ddl=True,
            render_item=render_item,
            compare_type=True,
            include_name=is_ours,
        )
        migrate(connection)
        connection.commit()


run()
