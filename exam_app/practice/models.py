"""Tables of practice: the memory state of each item, and every answer."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from question_bank import Response
from training_records.database import Base, Json


class PracticeCard(Base):
    """The FSRS memory state of one person for one item. Identity: (person, item).

    `state`, `step`, `stability` (days until recall falls to 90 %), `difficulty` (1–10): as the library defines them;
    `due`: next review; `right`: whether the last answer was right.
    """

    __tablename__ = "practice_card"
    __table_args__ = (Index("ix_practice_card_person_due", "person_id", "due"),)

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    item_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    topic: Mapped[str] = mapped_column(String(20))
    state: Mapped[int]
    step: Mapped[int | None]
    stability: Mapped[float | None]
    difficulty: Mapped[float | None]
    due: Mapped[datetime]
    last_review: Mapped[datetime | None]
    answers: Mapped[int] = mapped_column(default=0)
    right: Mapped[bool]


class PracticeAnswer(Base):
    """One practice answer. The client generates `key`, which makes resending idempotent.

    `answered_at`: the server's time minus the age that the client reports; `unsure`: the person marked it as unsure.
    Identity: (person, key).
    """

    __tablename__ = "practice_answer"
    __table_args__ = (Index("ix_practice_answer_person_at", "person_id", "at"),)

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(36), primary_key=True)
    item_id: Mapped[str] = mapped_column(String(40))
    version: Mapped[int]
    response: Mapped[Response] = mapped_column(Json)
    right: Mapped[bool]
    unsure: Mapped[bool]
    daily: Mapped[bool]
    answered_at: Mapped[datetime] = mapped_column("at")
