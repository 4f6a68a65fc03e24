"""What a statement did to the rows of a table."""

from __future__ import annotations

from typing import cast

from sqlalchemy import CursorResult
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import UpdateBase


def rows_changed(session: Session, statement: UpdateBase) -> int:
    """Executes an insert, update or delete; how many rows it touched."""
    # `Session.execute` is typed for queries; a statement that changes rows has a cursor's result.
    return cast("CursorResult[object]", session.execute(statement)).rowcount
