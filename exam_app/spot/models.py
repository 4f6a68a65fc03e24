"""Tables of the spot checks of archives."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from training_records.database import Base, Json, now, one_of

SpotItemState = Literal["open", "fine", "wrong", "mended"]


class SpotCheck(Base):
    """A random sample of archives that an office audits (抽查). Identity: `id`. The draw is reproducible from the seed
    and the population."""

    __tablename__ = "spot_check"

    id: Mapped[int] = mapped_column(primary_key=True)
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"), index=True)
    seed: Mapped[int]
    drawn_on: Mapped[date]
    due_on: Mapped[date]
    created_by: Mapped[str] = mapped_column("by", String(40))
    created_at: Mapped[datetime] = mapped_column("made_at", default=now)

    items: Mapped[list[SpotItem]] = relationship(back_populates="check", order_by="SpotItem.code")


class SpotItem(Base):
    """One archive of a sample and the findings. Identity: (check, person).

    `answers`: checklist question → yes or no; `state`: open, fine, wrong (to be corrected by the due day) or mended;
    `again`: how it was corrected.
    """

    __tablename__ = "spot_item"
    __table_args__ = (one_of("state", SpotItemState),)

    check_id: Mapped[int] = mapped_column(ForeignKey("spot_check.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    code: Mapped[str] = mapped_column(String(12))
    state: Mapped[SpotItemState] = mapped_column(String(8), default="open")
    answers: Mapped[dict[str, bool] | None] = mapped_column(Json)
    finding: Mapped[str | None] = mapped_column(String(300))
    looked_by: Mapped[str | None] = mapped_column(String(40))
    looked_at: Mapped[datetime | None]
    again: Mapped[str | None] = mapped_column(String(300))
    again_at: Mapped[datetime | None]

    check: Mapped[SpotCheck] = relationship(back_populates="items")
