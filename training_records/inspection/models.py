"""Tables of the annual self-inspection: the reports of districts, and good-practice cases."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from training_records.database import Base, now, one_of

CaseState = Literal["submitted", "returned", "accepted", "chosen", "declined"]
CASE_STATES: dict[CaseState, str] = {
    "submitted": "等区（市）看",
    "returned": "退回修改",
    "accepted": "区（市）选上",
    "chosen": "市里入选",
    "declined": "没有选上",
}


class AnnualReport(Base):
    """A district's texts for its annual report, and the submission of the report. Identity: (division, year).

    `texts`: section of the report (`problems`, `measures`, `task-10`) to its text; `file`: the stamped report as last
    submitted.
    """

    __tablename__ = "annual_report"

    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    texts: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column(default=0)
    file: Mapped[str | None] = mapped_column(ForeignKey("evidence.sha256"))
    # The first submission counts for the deadline; the file may be replaced later.
    filed_on: Mapped[date | None]
    replaced_at: Mapped[datetime | None]
    updated_by: Mapped[str] = mapped_column("by", String(40))
    updated_at: Mapped[datetime] = mapped_column("at", default=now, onupdate=now)


class GoodCase(Base):
    """A good-practice case (优秀案例): the situation, what was done, the result, and the decision on it. It describes the
    work and identifies no child. Identity: `id`.

    `person_id`: the director whose work it describes (None: an office's own).
    """

    __tablename__ = "good_case"
    __table_args__ = (
        Index("ix_good_case_place_year", "division_code", "year"),
        one_of("state", CaseState),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"))
    year: Mapped[int]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    title: Mapped[str] = mapped_column(String(40))
    item: Mapped[int]
    situation: Mapped[str] = mapped_column(String(600))
    done: Mapped[str] = mapped_column(String(1200))
    result: Mapped[str] = mapped_column(String(600))
    state: Mapped[CaseState] = mapped_column(String(10), default="submitted")
    comment: Mapped[str | None] = mapped_column(String(200))
    created_by: Mapped[str] = mapped_column("by", String(40))
    created_at: Mapped[datetime] = mapped_column("made_at", default=now)
    decided_by: Mapped[str | None] = mapped_column(String(40))
    decided_at: Mapped[datetime | None]
