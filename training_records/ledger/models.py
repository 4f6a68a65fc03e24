"""Tables of the ledger."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from training_records.database import Base, now, one_of

PostRole = Literal["director", "supervisor"]
AbsenceKind = Literal["birth", "illness", "study", "other"]
ChangeKind = Literal[
    "appointed", "changed", "left", "checked", "away", "removed", "merged", "unmerged"
]


class Person(Base):
    """A child director or supervisor: one row a person, whatever posts they hold. Identity: `id`.

    No identity number is stored here: `identity_digest` (keyed, one-way) only recognises it.
    `background_result`: a key of `ledger.checks`, a label from before there were keys, or text as typed.
    """

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    phone: Mapped[str] = mapped_column(String(11), unique=True)
    identity_type: Mapped[str | None] = mapped_column(String(20))
    identity_digest: Mapped[str | None] = mapped_column(String(64), unique=True)
    gender: Mapped[str | None] = mapped_column(String(4))
    birth_date: Mapped[date | None]
    ethnicity: Mapped[str | None] = mapped_column(String(20))
    political_status: Mapped[str | None] = mapped_column(String(20))
    education: Mapped[str | None] = mapped_column(String(20))
    marital_status: Mapped[str | None] = mapped_column(String(20))
    health: Mapped[str | None] = mapped_column(String(20))
    skills: Mapped[str | None] = mapped_column(String(100))
    qualifications: Mapped[str | None] = mapped_column(String(100))
    workplace: Mapped[str | None] = mapped_column(String(100))
    job_title: Mapped[str | None] = mapped_column(String(60))
    other_titles: Mapped[str | None] = mapped_column(String(100))
    landline: Mapped[str | None] = mapped_column(String(20))
    email: Mapped[str | None] = mapped_column(String(100))
    full_time: Mapped[bool | None]
    purchased: Mapped[bool | None]
    allowance: Mapped[str | None] = mapped_column(String(20))
    practice: Mapped[str | None] = mapped_column(String(100))
    background_checked_on: Mapped[date | None]
    background_result: Mapped[str | None] = mapped_column(String(20))
    background_next_due: Mapped[date | None] = mapped_column(index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)

    posts: Mapped[list[Post]] = relationship(back_populates="person", order_by="Post.start")


class KeptIdentity(Base):
    """A person's identity number, sealed; only where the operator has enabled storing it. Identity: the person."""

    __tablename__ = "kept_identity"

    person_id: Mapped[int] = mapped_column(
        ForeignKey("person.id", ondelete="CASCADE"), primary_key=True
    )
    sealed: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column("at", default=now)


class Post(Base):
    """One person in one role in one division from `start` to `end` (last day in post).

    Identity: `id`; (person, role, division, start) is unique.
    """

    __tablename__ = "post"
    __table_args__ = (
        Index("uq_post_identity", "person_id", "role", "division_code", "start", unique=True),
        Index("ix_post_division_role", "division_code", "role"),
        one_of("role", PostRole),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    # Needs no index of its own: it is the first column of the unique index.
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    role: Mapped[PostRole] = mapped_column(String(12))
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"))
    start: Mapped[date]
    end: Mapped[date | None]
    duties: Mapped[str | None] = mapped_column(String(100))
    children: Mapped[int | None]
    caseload: Mapped[int | None]

    person: Mapped[Person] = relationship(back_populates="posts")


class Absence(Base):
    """A period for which a person in post is on leave (请假); `end` is None while there is no date of return. Identity:
    `id`."""

    __tablename__ = "absence"
    __table_args__ = (one_of("kind", AbsenceKind),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    kind: Mapped[AbsenceKind] = mapped_column(String(12))
    start: Mapped[date]
    end: Mapped[date | None]
    created_by: Mapped[str] = mapped_column("by", String(40))
    created_at: Mapped[datetime] = mapped_column("at", default=now)


class LedgerChange(Base):
    """A change to a person or a post: when, by whom, why, from what to what. Append-only.

    `fields`: field name to [before, after]; names of a post's fields begin with ``post.``, those of a leave with
    ``absence.``; a new post or person has its id under ``post`` or ``person``, with None before. Identity: `id`.
    """

    __tablename__ = "ledger_change"
    __table_args__ = (one_of("kind", ChangeKind),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(index=True)
    post_id: Mapped[int | None]
    kind: Mapped[ChangeKind] = mapped_column(String(12))
    fields: Mapped[dict[str, Any]]
    reason: Mapped[str | None] = mapped_column(String(200))
    created_by: Mapped[str] = mapped_column("by", String(40))
    created_at: Mapped[datetime] = mapped_column("at", default=now)
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("import_batch.id"), index=True)


class ImportBatch(Base):
    """One import of a workbook, which can be undone as a whole. Identity: `id`."""

    __tablename__ = "import_batch"

    id: Mapped[int] = mapped_column(primary_key=True)
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    created_by: Mapped[str] = mapped_column("by", String(40))
    created_at: Mapped[datetime] = mapped_column("at", default=now)
    new: Mapped[int]
    changed: Mapped[int]
    left: Mapped[int]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str | None] = mapped_column(String(40))


class ColumnTitle(Base):
    """A column title that an office uses in its sheets, and the field it stands for (empty: none). Identity: (office's
    division, folded title)."""

    __tablename__ = "column_title"

    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"), primary_key=True)
    title: Mapped[str] = mapped_column(String(60), primary_key=True)
    field: Mapped[str] = mapped_column(String(30))


class PersonMerge(Base):
    """A merge of two people of the ledger (`gone` into `kept`). Identity: `id`.

    `moved`: ids of re-pointed posts, posts that both people had (as they were), other rows by table, entries filed
    again.
    """

    __tablename__ = "person_merge"

    id: Mapped[int] = mapped_column(primary_key=True)
    kept_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    gone_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    reason: Mapped[str] = mapped_column(String(200))
    created_by: Mapped[str] = mapped_column("by", String(40))
    created_at: Mapped[datetime] = mapped_column("at", default=now)
    moved: Mapped[dict[str, Any]]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str | None] = mapped_column(String(40))


CHANGES: dict[ChangeKind, str] = {
    "appointed": "任职",
    "changed": "更改",
    "left": "离任",
    "checked": "入职查询",
    "away": "请假",
    "removed": "撤销",
    "merged": "合并",
    "unmerged": "撤销合并",
}
ROLES: dict[PostRole, str] = {"director": "儿童主任", "supervisor": "儿童督导员"}
ABSENCES: dict[AbsenceKind, str] = {
    "birth": "产假",
    "illness": "病假",
    "study": "脱产学习",
    "other": "其他",
}
