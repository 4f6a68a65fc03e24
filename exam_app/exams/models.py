"""Tables of the exams."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Numeric, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from training_records.database import Base, Json, now


class Exam(Base):
    """An exam with its window and rules. Identity: `id`."""

    __tablename__ = "exam"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(20))
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"))
    organiser: Mapped[str] = mapped_column(String(60))
    level: Mapped[str] = mapped_column(String(10))
    blueprint: Mapped[dict[str, Any]]
    minutes: Mapped[int]
    pass_percent: Mapped[Decimal] = mapped_column(Numeric(5, 2))
    attempts_allowed: Mapped[int] = mapped_column(default=3)
    # Whether items and options stand in another order for everybody.
    shuffled: Mapped[bool] = mapped_column(default=False)
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(default=now)

    forms: Mapped[list[ExamForm]] = relationship(back_populates="exam", order_by="ExamForm.number")


class ExamForm(Base):
    """One form of an exam: the questions as they stood when it was made, keys included.

    Identity: (exam, number).
    """

    __tablename__ = "exam_form"
    __table_args__ = (Index("uq_exam_form_number", "exam_id", "number", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    exam_id: Mapped[int] = mapped_column(ForeignKey("exam.id"))
    number: Mapped[int]
    items: Mapped[list[Any]] = mapped_column(Json, deferred=True)

    exam: Mapped[Exam] = relationship(back_populates="forms")


class Attempt(Base):
    """One sitting of one exam by one person. Identity: (exam, person, number).

    States: in_progress -> submitted -> marked -> released; in_progress -> overdue -> submitted;
    any -> voided. Only `service.move` changes the state, and it writes an `AttemptEvent`.
    """

    __tablename__ = "attempt"
    __table_args__ = (Index("uq_attempt_identity", "exam_id", "person_id", "number", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    exam_id: Mapped[int] = mapped_column(ForeignKey("exam.id"))
    form_id: Mapped[int] = mapped_column(ForeignKey("exam_form.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    number: Mapped[int]
    state: Mapped[str] = mapped_column(String(12), index=True)
    started_at: Mapped[datetime]
    deadline: Mapped[datetime]
    # What the order of this paper was made from; empty: as in the form.
    seed: Mapped[int | None]
    # The sign-in (hash of its token) that started or resumed it last; only its saves are taken.
    holder: Mapped[str | None] = mapped_column(String(64))
    submitted_at: Mapped[datetime | None]
    score: Mapped[Decimal | None] = mapped_column(Numeric(6, 2))
    max_score: Mapped[Decimal | None] = mapped_column(Numeric(6, 2))
    passed: Mapped[bool | None]
    certificate_no: Mapped[str | None] = mapped_column(String(40))

    exam: Mapped[Exam] = relationship()
    form: Mapped[ExamForm] = relationship()


class AttemptEvent(Base):
    """A change of an attempt's state. Append-only. Identity: `id`."""

    __tablename__ = "attempt_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempt.id"), index=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(40))
    before: Mapped[str] = mapped_column(String(12))
    after: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str | None] = mapped_column(String(200))


class Answer(Base):
    """The last answer to one slot. Identity: (attempt, slot); the higher `seq` wins."""

    __tablename__ = "answer"

    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempt.id"), primary_key=True)
    slot: Mapped[str] = mapped_column(String(8), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    response: Mapped[Any | None] = mapped_column(Json)
    saved_at: Mapped[datetime]


class LateAnswer(Base):
    """An answer that came after the grace: kept and shown, never scored by itself. Identity: `id`."""

    __tablename__ = "late_answer"

    id: Mapped[int] = mapped_column(primary_key=True)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempt.id"), index=True)
    slot: Mapped[str] = mapped_column(String(8))
    seq: Mapped[int] = mapped_column(BigInteger)
    response: Mapped[Any | None] = mapped_column(Json)
    received_at: Mapped[datetime]
