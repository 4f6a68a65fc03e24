"""Tables of the evaluation: runs with their scheme, results with their measures, appeals, and the history."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import ForeignKey, Index, Numeric, String
from sqlalchemy.orm import Mapped, mapped_column

from training_records.database import Base, now, one_of

RunState = Literal["self_review", "town", "district", "publicity", "final"]
STATES: dict[RunState, str] = {
    "self_review": "本人自评",
    "town": "镇（街）复核",
    "district": "区（市）复核",
    "publicity": "公示",
    "final": "已定稿",
}


class EvaluationScheme(Base):
    """The scheme that a district or the city sets for a year. Identity: (division, year)."""

    __tablename__ = "evaluation_scheme"

    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    scheme: Mapped[dict[str, Any]]
    updated_by: Mapped[str] = mapped_column("by", String(40))
    updated_at: Mapped[datetime] = mapped_column("at", default=now, onupdate=now)


class AllowanceRule(Base):
    """The rules of a district for the allowances (补贴) of a year: name of a rule to its amount in yuan, as text.
    Identity: (division, year)."""

    __tablename__ = "allowance_rule"

    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    amounts: Mapped[dict[str, Any]]
    updated_by: Mapped[str] = mapped_column("by", String(40))
    updated_at: Mapped[datetime] = mapped_column("at", default=now, onupdate=now)


class EvaluationRun(Base):
    """One evaluation of a division's directors in a year. Identity: `id`; (division, year) is unique.

    `scheme`, `facts`: as of the start (`frames.freeze`; rows older than the column have no `facts`); `as_of`: the day
    up to which records count; `locked_hash`: hash of all results, once final.
    """

    __tablename__ = "evaluation_run"
    __table_args__ = (
        Index("uq_evaluation_run", "division_code", "year", unique=True),
        one_of("state", RunState),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"))
    year: Mapped[int]
    as_of: Mapped[date]
    scheme: Mapped[dict[str, Any]]
    facts: Mapped[dict[str, Any] | None]
    state: Mapped[RunState] = mapped_column(String(12), default="self_review")
    publicity_until: Mapped[date | None]
    created_by: Mapped[str] = mapped_column("by", String(40))
    created_at: Mapped[datetime] = mapped_column("made_at", default=now)
    reckoned_at: Mapped[datetime]
    locked_hash: Mapped[str | None] = mapped_column(String(64))
    locked_at: Mapped[datetime | None]


class EvaluationResult(Base):
    """One person's result: measures as computed, total, grade, and the comment of each step.

    Identity: (run, person).
    """

    __tablename__ = "evaluation_result"
    __table_args__ = (
        Index("ix_evaluation_result_person_id", "person_id"),
        Index("ix_evaluation_result_place", "run_id", "code"),
    )

    run_id: Mapped[int] = mapped_column(ForeignKey("evaluation_run.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    code: Mapped[str] = mapped_column(String(12))
    months: Mapped[Decimal] = mapped_column(Numeric(4, 1))
    measures: Mapped[dict[str, Any]]
    total: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    grade: Mapped[str | None] = mapped_column(String(10))
    vetoed: Mapped[bool] = mapped_column(default=False)
    self_comment: Mapped[str | None] = mapped_column(String(500))
    town_comment: Mapped[str | None] = mapped_column(String(500))
    district_comment: Mapped[str | None] = mapped_column(String(500))
    # Sent back to the person for another comment.
    returned: Mapped[bool] = mapped_column(default=False)


class EvaluationAppeal(Base):
    """A person's appeal during the publication period, and the answer. Identity: `id`."""

    __tablename__ = "evaluation_appeal"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("evaluation_run.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    text: Mapped[str] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column("made_at", default=now)
    accepted: Mapped[bool | None]
    answer: Mapped[str | None] = mapped_column(String(500))
    decided_by: Mapped[str | None] = mapped_column(String(40))
    decided_at: Mapped[datetime | None]


class EvaluationStep(Base):
    """An entry in the history of a run, or of a person's result in it. Append-only. Identity: `id`."""

    __tablename__ = "evaluation_step"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("evaluation_run.id"), index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    text: Mapped[str] = mapped_column(String(300))
    created_by: Mapped[str] = mapped_column("by", String(40))
    created_at: Mapped[datetime] = mapped_column("at", default=now)
