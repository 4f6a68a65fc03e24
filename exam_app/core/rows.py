"""Row counts of statements."""

from __future__ import annotations

from typing import cast

from sqlalchemy import CursorResult
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import UpdateBase


def rows_changed(session: Session, statement: UpdateBase) -> int:
    """Executes an insert, update or delete and returns the number of rows it touched."""
    # `Session.execute` is typed for queries; for DML the result is a `CursorResult`.
    return cast("CursorResult[object]", session.execute(statement)).rowcount
