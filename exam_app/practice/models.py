"""Tables of the practice: what is remembered of each question, and every answer."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from question_bank import Response
from training_records.database import Base, Json


class PracticeCard(Base):
    """How well one person remembers one question, as FSRS keeps it. Identity: (person, item).

    `state`, `step`, `stability` (days until recall falls to 90 %), `difficulty` (1–10): the library's own; `due`:
    when to ask again; `right`: the last answer.
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
    """One answer in practice, numbered by the phone that gave it, so that sending it twice counts once.

    `answered_at`: when, by the server's reckoning; `unsure`: said so. Identity: (person, key).
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
