"""Table of the jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from training_records.database import Base, now, one_of

JobState = Literal["waiting", "running", "done", "failed", "cancelled"]


class Job(Base):
    """Work that takes longer than a request: done in the background, part by part. Identity: `id`.

    `state`: waiting, running, done, failed or cancelled. Results lie in the job's own folder. A job
    whose process died resumes from the parts that exist.
    """

    __tablename__ = "job"
    __table_args__ = (one_of("state", JobState),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(100))
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"), index=True)
    params: Mapped[dict[str, Any]]
    state: Mapped[JobState] = mapped_column(String(10), default="waiting", index=True)
    total: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(default=0)
    message: Mapped[str | None] = mapped_column(String(300))
    file: Mapped[str | None] = mapped_column(String(100))
    created_by: Mapped[str] = mapped_column("by", String(40))
    created_at: Mapped[datetime] = mapped_column("made_at", default=now)
    claimed_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
