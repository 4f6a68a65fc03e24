"""Year-end snapshots of coverage as known then, to be compared with what is known later."""

from __future__ import annotations

from sqlalchemy import insert, literal, select
from sqlalchemy.orm import Session

from training_records.coverage.models import CoverageRow, DivisionTotals, FrozenCount, FrozenSeat
from training_records.database import now

_FIGURES = [c.key for c in DivisionTotals.__table__.columns]
_SEAT = ["person_id", "code", "status", "hours", "exam_passed", "inducted"]


def is_frozen(session: Session, year: int) -> bool:
    """Whether the figures of a year have been frozen."""
    return (
        session.scalar(select(FrozenCount.code).where(FrozenCount.year == year).limit(1))
        is not None
    )


def freeze(session: Session, year: int) -> None:
    """Stores the current figures and the directors in post as the year-end snapshot of `year`."""
    at = now()
    figures = select(
        literal(year),
        literal(at, FrozenCount.frozen_at.type),
        *(getattr(DivisionTotals, k) for k in _FIGURES),
    )
    session.execute(insert(FrozenCount).from_select(["year", "frozen_at", *_FIGURES], figures))
    seats = select(literal(year), *(getattr(CoverageRow, k) for k in _SEAT)).where(
        CoverageRow.role == "director"
    )
    session.execute(insert(FrozenSeat).from_select(["year", *_SEAT], seats))
