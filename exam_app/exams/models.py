"""Tables of the exams."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal

from sqlalchemy import BigInteger, ForeignKey, Index, Numeric, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from question_bank import Response
from training_records.database import Base, Json, PartitionKey, now, one_of

AttemptState = Literal[
    "not_started",
    "in_progress",
    "overdue",
    "submitted",
    "marked",
    "released",
    "abandoned",
    "voided",
]


class Exam(Base):
    """An exam with its window and rules. Identity: `id`."""

    __tablename__ = "exam"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(20))
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"))
    organiser: Mapped[str] = mapped_column(String(60))
    level: Mapped[str] = mapped_column(String(10))
    blueprint: Mapped[dict[str, object]] = mapped_column(Json)
    minutes: Mapped[int]
    pass_percent: Mapped[Decimal] = mapped_column(Numeric(5, 2))
    attempts_allowed: Mapped[int] = mapped_column(default=3)
    # Whether the order of items and options is shuffled for each examinee.
    shuffled: Mapped[bool] = mapped_column(default=False)
    # Which attempt counts: best | last | first.
    counts: Mapped[str] = mapped_column(String(8), default="best")
    # When results are released: at_once | at_time (`release_at`) | by_hand.
    release: Mapped[str] = mapped_column(String(8), default="at_once")
    release_at: Mapped[datetime | None]
    # Written answers are marked by two people, blind to each other's marks.
    double_marking: Mapped[bool] = mapped_column(default=False)
    # Item id to the corrected item, where the key was corrected after the exam.
    corrections: Mapped[dict[str, object] | None] = mapped_column(Json)
    # A practice exam: unlimited attempts, nothing is filed in the archive.
    practice: Mapped[bool] = mapped_column(default=False)
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(default=now)

    sittings: Mapped[list[Sitting]] = relationship(order_by="Sitting.opens_at, Sitting.id")
    forms: Mapped[list[ExamForm]] = relationship(back_populates="exam", order_by="ExamForm.number")


class Sitting(Base):
    """A sitting (场次) of an exam: its own window, venue or online, seats and division.

    An exam without sittings is open to all of its division for its whole window. Identity: `id`.
    """

    __tablename__ = "sitting"

    id: Mapped[int] = mapped_column(primary_key=True)
    exam_id: Mapped[int] = mapped_column(ForeignKey("exam.id"), index=True)
    title: Mapped[str] = mapped_column(String(40))
    place: Mapped[str | None] = mapped_column(String(60))
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    capacity: Mapped[int | None]
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"))
    # A make-up sitting: for people who have attempted the exam, or could have at a regular sitting.
    make_up: Mapped[bool] = mapped_column(default=False)


class Seat(Base):
    """A taken seat of a sitting with limited capacity. Identity: (sitting, person)."""

    __tablename__ = "seat"

    sitting_id: Mapped[int] = mapped_column(ForeignKey("sitting.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    taken_at: Mapped[datetime] = mapped_column(default=now)


class Accommodation(Base):
    """What one person is granted for one exam: extra time, large print. Identity: (exam, person)."""

    __tablename__ = "accommodation"

    exam_id: Mapped[int] = mapped_column(ForeignKey("exam.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    extra_minutes: Mapped[int] = mapped_column(default=0)
    large_print: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str] = mapped_column(String(100))
    granted_by: Mapped[str] = mapped_column(String(40))


class ExamForm(Base):
    """One form of an exam: a snapshot of its items at creation, keys included.

    Identity: (exam, number).
    """

    __tablename__ = "exam_form"
    __table_args__ = (Index("uq_exam_form_number", "exam_id", "number", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    exam_id: Mapped[int] = mapped_column(ForeignKey("exam.id"))
    number: Mapped[int]
    items: Mapped[list[dict[str, object]]] = mapped_column(Json, deferred=True)

    exam: Mapped[Exam] = relationship(back_populates="forms")


class Attempt(PartitionKey, Base):
    """One attempt at an exam by one person. Identity: (exam, person, number).

    Only `states.move` changes the state; it writes an `AttemptEvent`.
    """

    __tablename__ = "attempt"
    __table_args__ = (
        Index("uq_attempt_identity", "exam_id", "person_id", "number", unique=True),
        one_of("state", AttemptState),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    exam_id: Mapped[int] = mapped_column(ForeignKey("exam.id"))
    form_id: Mapped[int] = mapped_column(ForeignKey("exam_form.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    number: Mapped[int]
    state: Mapped[AttemptState] = mapped_column(String(12), index=True)
    started_at: Mapped[datetime]
    deadline: Mapped[datetime]
    # Seed of the order of items and options; None: as in the form.
    seed: Mapped[int | None]
    # The sign-in (hash of its token) that last started or resumed it; only its saves are accepted.
    holder: Mapped[str | None] = mapped_column(String(64))
    sitting_id: Mapped[int | None] = mapped_column(ForeignKey("sitting.id"))
    # How often the page was left during the attempt; shown to the invigilator, without consequence.
    left_count: Mapped[int] = mapped_column(default=0)
    # Taken on paper, on an answer sheet.
    on_paper: Mapped[bool] = mapped_column(default=False)
    submitted_at: Mapped[datetime | None]
    score: Mapped[Decimal | None] = mapped_column(Numeric(6, 2))
    max_score: Mapped[Decimal | None] = mapped_column(Numeric(6, 2))
    passed: Mapped[bool | None]
    certificate_no: Mapped[str | None] = mapped_column(String(40))

    exam: Mapped[Exam] = relationship()
    form: Mapped[ExamForm] = relationship()

    # Transient: True if this call created the attempt, which has no answers then.
    fresh = False


class AttemptEvent(Base):
    """A change of an attempt. Append-only; the sweep copies it to the audit log. Identity: `id`."""

    __tablename__ = "attempt_event"
    __table_args__ = (
        Index(
            "ix_attempt_event_not_audited",
            "id",
            sqlite_where=text("NOT audited"),
            postgresql_where=text("NOT audited"),
        ),
        one_of("before", AttemptState),
        one_of("after", AttemptState),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempt.id"), index=True)
    created_at: Mapped[datetime] = mapped_column("at")
    created_by: Mapped[str] = mapped_column("actor", String(40))
    before: Mapped[AttemptState] = mapped_column(String(12))
    after: Mapped[AttemptState] = mapped_column(String(12))
    reason: Mapped[str | None] = mapped_column(String(200))
    # Whether it has been copied to the audit log.
    audited: Mapped[bool] = mapped_column(default=False)

    attempt: Mapped[Attempt] = relationship()


class Answer(PartitionKey, Base):
    """The latest response to one slot. Identity: (attempt, slot); the higher `seq` wins."""

    __tablename__ = "answer"

    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempt.id"), primary_key=True)
    slot: Mapped[str] = mapped_column(String(8), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    response: Mapped[Response] = mapped_column(Json)
    # Seconds the question was on the screen, as reported by the client.
    seconds: Mapped[int | None]
    saved_at: Mapped[datetime]


class Mark(Base):
    """One person's mark for one written answer, as a share of its points.

    Markers see neither name nor village. Identity: (attempt, slot, account).
    """

    __tablename__ = "mark"

    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempt.id"), primary_key=True)
    slot: Mapped[str] = mapped_column(String(8), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    share: Mapped[Decimal] = mapped_column(Numeric(5, 4))
    comment: Mapped[str | None] = mapped_column(String(200))
    marked_at: Mapped[datetime] = mapped_column(default=now)


class Rescore(Base):
    """A score changed by a key correction: before and after. Append-only. Identity: `id`."""

    __tablename__ = "rescore"

    id: Mapped[int] = mapped_column(primary_key=True)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempt.id"), index=True)
    created_at: Mapped[datetime] = mapped_column("at")
    created_by: Mapped[str] = mapped_column("actor", String(40))
    reason: Mapped[str] = mapped_column(String(200))
    old_score: Mapped[Decimal] = mapped_column(Numeric(6, 2))
    new_score: Mapped[Decimal] = mapped_column(Numeric(6, 2))
    old_passed: Mapped[bool]
    new_passed: Mapped[bool]


class Appeal(Base):
    """A query about a result (成绩复核), and the office's answer. Identity: `id`.

    An attempt has at most one open query.
    """

    __tablename__ = "appeal"

    id: Mapped[int] = mapped_column(primary_key=True)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempt.id"), index=True)
    text: Mapped[str] = mapped_column(String(300))
    created_at: Mapped[datetime] = mapped_column("made_at")
    answer: Mapped[str | None] = mapped_column(String(300))
    answered_by: Mapped[str | None] = mapped_column(String(40))
    answered_at: Mapped[datetime | None]

    attempt: Mapped[Attempt] = relationship()


class LateAnswer(Base):
    """A response that arrived after the grace period: stored and shown, not scored. Identity: `id`."""

    __tablename__ = "late_answer"

    id: Mapped[int] = mapped_column(primary_key=True)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempt.id"), index=True)
    slot: Mapped[str] = mapped_column(String(8))
    seq: Mapped[int] = mapped_column(BigInteger)
    response: Mapped[Response] = mapped_column(Json)
    received_at: Mapped[datetime]
