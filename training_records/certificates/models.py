"""Table of the certificates."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from training_records.database import Base, now


class Certificate(Base):
    """A certificate as issued. Identity: `no`, whose second half can't be guessed."""

    __tablename__ = "certificate"

    no: Mapped[str] = mapped_column(String(40), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("archive_entry.id"), unique=True)
    holder: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(100))
    organiser: Mapped[str] = mapped_column(String(60))
    issued_on: Mapped[date]
    valid_until: Mapped[date | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    voided_at: Mapped[datetime | None]
    void_reason: Mapped[str | None] = mapped_column(String(200))
