"""Tables of model workers: nominations, and objections to them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from training_records.database import Base, now, one_of

ExemplarState = Literal["nominated", "agreed", "publicity", "chosen", "declined", "withdrawn"]
STATES: dict[ExemplarState, str] = {
    "nominated": "等本人同意",
    "agreed": "本人同意了，等公示",
    "publicity": "公示",
    "chosen": "选定",
    "declined": "没有选",
    "withdrawn": "撤回",
}


class Exemplar(Base):
    """A director nominated as a model worker of a year. Identity: (person, year).

    `material`: the grounds, for those who decide; `words`: the text to publish, agreed to by the person at `agreed_at`.
    """

    __tablename__ = "exemplar"
    __table_args__ = (
        Index("uq_exemplar", "person_id", "year", unique=True),
        one_of("state", ExemplarState),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"), index=True)
    # The village at the time of nomination, whatever post the person holds later.
    village_code: Mapped[str] = mapped_column(ForeignKey("division.code"))
    year: Mapped[int]
    material: Mapped[str] = mapped_column(String(1500))
    words: Mapped[str] = mapped_column(String(300))
    state: Mapped[ExemplarState] = mapped_column(String(10), default="nominated")
    agreed_at: Mapped[datetime | None]
    publicity_until: Mapped[date | None]
    reason: Mapped[str | None] = mapped_column(String(200))
    nominated_by: Mapped[str] = mapped_column("by", String(40))
    created_at: Mapped[datetime] = mapped_column("made_at", default=now)
    decided_by: Mapped[str | None] = mapped_column(String(40))
    decided_at: Mapped[datetime | None]


class ExemplarObjection(Base):
    """An objection to a nomination during its publication period, and the answer. Identity: `id`."""

    __tablename__ = "exemplar_objection"

    id: Mapped[int] = mapped_column(primary_key=True)
    exemplar_id: Mapped[int] = mapped_column(ForeignKey("exemplar.id"), index=True)
    text: Mapped[str] = mapped_column(String(300))
    created_by: Mapped[str] = mapped_column("by", String(40))
    created_at: Mapped[datetime] = mapped_column("at", default=now)
    answer: Mapped[str | None] = mapped_column(String(300))
    answered_by: Mapped[str | None] = mapped_column(String(40))
    answered_at: Mapped[datetime | None]
