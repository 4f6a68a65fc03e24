"""Statements that an engine is asked, and how SQLite would answer them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session


@contextmanager
def asked(session: Session) -> Iterator[list[tuple[str, Any]]]:
    """Collects (statement, parameters) of whatever the session's engine is asked; SQLite alone."""
    engine, found = session.get_bind(), []
    if engine.dialect.name != "sqlite":
        pytest.skip("the plan of a small table says nothing on PostgreSQL")

    @event.listens_for(engine, "before_cursor_execute")
    def note(connection, cursor, statement, parameters, context, many):
        found.append((statement, parameters))

    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


def plan(session: Session, statement: str, parameters: Any) -> list[str]:
    """The steps by which SQLite answers a statement."""
    rows = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
    return [row[3] for row in rows]
