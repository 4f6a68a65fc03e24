"""Tables of the daily work: caseload, visits, activities, tasks. Children are identified only by a code within the
village."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from training_records.database import Base, PartitionKey, now

VisitForm = Literal["home", "school", "phone", "wechat"]
FORMS: dict[VisitForm, str] = {
    "home": "家访",
    "school": "学校随访",
    "phone": "电话",
    "wechat": "微信",
}
THEMES = {
    "safety": "安全教育",
    "drowning": "防溺水",
    "bullying": "防欺凌",
    "abuse": "防性侵",
    "internet": "网络安全",
    "mental": "心理健康",
    "family": "家庭教育",
    "reading": "课业和阅读",
    "festival": "节日关爱",
    "other": "其他",
}


class CaseEntry(Base):
    """A child of the caseload under a code within the village (`03-07`), for as long as its categories hold; when they
    change, a new row begins. `assigned_id`: the director in charge where a village has two. Identity: `id`."""

    __tablename__ = "case_entry"
    __table_args__ = (Index("ix_case_entry_place", "division_code", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"))
    code: Mapped[str] = mapped_column(String(5))
    categories: Mapped[list[Any]]
    assigned_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    opened_on: Mapped[date]
    closed_on: Mapped[date | None]
    created_by: Mapped[str] = mapped_column("by", String(40))
    created_at: Mapped[datetime] = mapped_column("at", default=now)


class Visit(PartitionKey, Base):
    """A visit or contact: date, form, findings and measures, as ticked options only. Identity: (person, key); the phone
    makes the key, so that a repeated request counts once.

    `alarm`: a finding that has to be reported to the police at once (未保法#11); `reported_at`: when its report was noted.
    """

    __tablename__ = "visit"
    __table_args__ = (
        Index("uq_visit_key", "person_id", "key", unique=True),
        Index("ix_visit_case_on", "case_id", "on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("case_entry.id"))
    key: Mapped[str] = mapped_column(String(36))
    on: Mapped[date]
    form: Mapped[VisitForm] = mapped_column(String(10))
    findings: Mapped[dict[str, Any]]
    needs: Mapped[list[Any]]
    measures: Mapped[list[Any]]
    next_on: Mapped[date | None]
    alarm: Mapped[bool] = mapped_column(default=False)
    reported_at: Mapped[datetime | None]
    photo: Mapped[str | None] = mapped_column(ForeignKey("evidence.sha256"))
    created_at: Mapped[datetime] = mapped_column("at", default=now)


class Activity(Base):
    """An activity for children or families, planned and then held. Identity: `id`."""

    __tablename__ = "activity"
    __table_args__ = (Index("ix_activity_person_on", "person_id", "on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"), index=True)
    on: Mapped[date]
    theme: Mapped[str] = mapped_column(String(10))
    title: Mapped[str] = mapped_column(String(60))
    held: Mapped[bool] = mapped_column(default=False)
    children: Mapped[int | None]
    adults: Mapped[int | None]
    partners: Mapped[str | None] = mapped_column(String(100))
    summary: Mapped[str | None] = mapped_column(String(300))
    photo: Mapped[str | None] = mapped_column(ForeignKey("evidence.sha256"))
    created_at: Mapped[datetime] = mapped_column("at", default=now)


class OfficeTask(Base):
    """A task with a deadline that an office assigns to all directors of its division. Identity: `id`."""

    __tablename__ = "office_task"

    id: Mapped[int] = mapped_column(primary_key=True)
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"), index=True)
    title: Mapped[str] = mapped_column(String(100))
    due_on: Mapped[date]
    source: Mapped[str | None] = mapped_column(String(40))
    withdrawn: Mapped[bool] = mapped_column(default=False)
    created_by: Mapped[str] = mapped_column("by", String(40))
    created_at: Mapped[datetime] = mapped_column("at", default=now)


class TaskDone(Base):
    """The completion of a task of a period by a person. `task`: a duty step (`duty-1.1`) or `office-7`; `period`:
    `2026-03`, `2026-Q1`, `2026` or `once`. Identity: (person, task, period)."""

    __tablename__ = "task_done"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    task: Mapped[str] = mapped_column(String(20), primary_key=True)
    period: Mapped[str] = mapped_column(String(8), primary_key=True)
    done_on: Mapped[date]
    evidence: Mapped[str | None] = mapped_column(ForeignKey("evidence.sha256"))
    created_at: Mapped[datetime] = mapped_column("at", default=now)


class VisitCheck(Base):
    """A visit drawn for verification by the town's supervisor. `confirmed`: None until verified. Identity: the
    visit."""

    __tablename__ = "visit_check"

    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"), index=True)
    seed: Mapped[int]
    drawn_at: Mapped[datetime] = mapped_column(default=now)
    confirmed: Mapped[bool | None]
    note: Mapped[str | None] = mapped_column(String(60))
    checked_by: Mapped[str | None] = mapped_column("by", String(40))
    checked_at: Mapped[datetime | None] = mapped_column("at")


class SatisfactionRound(Base):
    """A survey of guardians and villagers about the directors of a district. Identity: `id`."""

    __tablename__ = "satisfaction_round"

    id: Mapped[int] = mapped_column(primary_key=True)
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"), index=True)
    year: Mapped[int]
    closes_on: Mapped[date]
    created_by: Mapped[str] = mapped_column("by", String(40))
    created_at: Mapped[datetime] = mapped_column("at", default=now)


class SatisfactionTicket(Base):
    """A code on paper that permits one answer. Only its hash is stored, and rows are stored in the order of the hash,
    so that nothing links a ticket to an answer. Identity: the hash."""

    __tablename__ = "satisfaction_ticket"
    __table_args__ = {"sqlite_with_rowid": False}

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("satisfaction_round.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    used: Mapped[bool] = mapped_column(default=False)


class SatisfactionAnswer(Base):
    """One anonymous answer about a director: marks of 1 to 5. Identity: a random key, in whose order rows are
    stored."""

    __tablename__ = "satisfaction_answer"
    __table_args__ = {"sqlite_with_rowid": False}

    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("satisfaction_round.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    visits: Mapped[int]
    help: Mapped[int]
    manner: Mapped[int]
