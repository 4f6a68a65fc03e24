"""Tables of the ledger."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from training_records.database import Base, now


class Person(Base):
    """A child director or supervisor, once, whatever posts they hold. Identity: `id`.

    No identity number is kept: `identity_digest` (keyed, one way) only recognises it again.
    """

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), index=True)
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


class Post(Base):
    """One person in one role in one division from `start` to `end` (last day in post).

    Identity: `id`; the same person, role, division and start can't be there twice.
    """

    __tablename__ = "post"
    __table_args__ = (
        Index("uq_post_identity", "person_id", "role", "division_code", "start", unique=True),
        Index("ix_post_division_role", "division_code", "role"),
        Index("ix_post_start", "start"),
        Index("ix_post_end", "end"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    role: Mapped[str] = mapped_column(String(12))
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"))
    start: Mapped[date]
    end: Mapped[date | None]
    duties: Mapped[str | None] = mapped_column(String(100))
    children: Mapped[int | None]
    caseload: Mapped[int | None]

    person: Mapped[Person] = relationship(back_populates="posts")


ROLES = {"director": "儿童主任", "supervisor": "儿童督导员"}
