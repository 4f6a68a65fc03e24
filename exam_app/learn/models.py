"""Tables of learning: course versions, media files, progress, and the log of time on task."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from training_records.database import Base, Json, now, one_of

CourseState = Literal["draft", "published", "withdrawn"]


class CourseVersion(Base):
    """A version of a trainer's course: at most one draft, and every version that was published.

    `state`: draft, published, withdrawn. `edits` counts the changes to a draft, for optimistic locking.
    Identity: (course, number).
    """

    __tablename__ = "course_version"
    __table_args__ = (
        Index("uq_course_version", "course_id", "number", unique=True),
        one_of("state", CourseState),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[str] = mapped_column(String(40))
    number: Mapped[int]
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"))
    state: Mapped[CourseState] = mapped_column(String(10), index=True)
    content: Mapped[dict[str, Any]]
    edits: Mapped[int] = mapped_column(default=0)
    updated_by: Mapped[str] = mapped_column("by", String(40))
    created_at: Mapped[datetime] = mapped_column("made_at", default=now)
    published_at: Mapped[datetime | None]


class MediaFile(Base):
    """A recording, picture, subtitle file or document of a course, addressed by its content. Identity: SHA-256 in hex.

    `seconds`: length of a recording. The file is stored in the instance folder under its hash.
    """

    __tablename__ = "media_file"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    media_type: Mapped[str] = mapped_column(String(40))
    size: Mapped[int]
    seconds: Mapped[int | None]
    created_by: Mapped[str] = mapped_column("by", String(40))
    created_at: Mapped[datetime] = mapped_column("at", default=now)


class UnitProgress(Base):
    """One person's progress in one unit of a course. Identity: (person, course, unit).

    `ms`: counted time on task; `watched`: played intervals of a recording, in seconds; `position`: resume position in
    seconds; `tries`: quizzes submitted.
    """

    __tablename__ = "unit_progress"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    course_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    unit_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    opened_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    ms: Mapped[int] = mapped_column(default=0, server_default="0")
    watched: Mapped[list[list[float]] | None] = mapped_column(Json)
    position: Mapped[int] = mapped_column(default=0, server_default="0")
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    reflection: Mapped[str | None] = mapped_column(String(1000))


class StudyWindow(Base):
    """One opening of a unit's page with the time counted in it: the log of time on task. Identity: `id`.

    Only a person's newest window counts. `paused`: the page is hidden; `asked`: the word of an open presence check,
    to be tapped before more time counts; `next_ask`: counted ms at which the next check is due.
    """

    __tablename__ = "study_window"
    __table_args__ = (Index("ix_study_window_person_id", "person_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    course_id: Mapped[str] = mapped_column(String(40))
    unit_id: Mapped[str] = mapped_column(String(40))
    opened_at: Mapped[datetime]
    last_at: Mapped[datetime]
    ms: Mapped[int] = mapped_column(default=0)
    paused: Mapped[bool] = mapped_column(default=False)
    asked: Mapped[str | None] = mapped_column(String(10))
    asked_at: Mapped[datetime | None]
    next_ask: Mapped[int]
    refused: Mapped[int] = mapped_column(default=0)
