"""Table of the learning progress."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from training_records.database import Base


class UnitProgress(Base):
    """One person's way through one unit of a course. Identity: (person, course, unit)."""

    __tablename__ = "unit_progress"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    course_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    unit_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    opened_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
