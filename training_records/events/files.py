"""Photos and materials of an event: stored as evidence, shown to participants."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from training_records.archive.models import Evidence
from training_records.errors import Refused
from training_records.events.models import Enrolment, Event, EventFile, FileKind

MAX_FILES = 30


def files_of(
    session: Session, event: Event, kind: FileKind | None = None
) -> list[tuple[EventFile, Evidence]]:
    """An event's files (photo or material), in order of upload."""
    query = (
        select(EventFile, Evidence)
        .join(Evidence, Evidence.sha256 == EventFile.sha256)
        .where(EventFile.event_id == event.id)
    )
    if kind is not None:
        query = query.where(EventFile.kind == kind)
    return [
        (f, e) for f, e in session.execute(query.order_by(EventFile.created_at, EventFile.sha256))
    ]


def attach(session: Session, event: Event, kept: Evidence, *, kind: FileKind, caption: str) -> None:
    """Attaches a stored file to an event; repeating it changes nothing."""
    if kind == "photo" and not kept.media_type.startswith("image/"):
        raise Refused("照片要用 JPG 或 PNG")
    if session.get(EventFile, (event.id, kept.sha256)) is not None:
        return
    if len(files_of(session, event)) >= MAX_FILES:
        raise Refused(f"一次培训最多 {MAX_FILES} 个文件")
    session.add(EventFile(event_id=event.id, sha256=kept.sha256, kind=kind, caption=caption[:60]))
    session.flush()


def is_shown_to(session: Session, digest: str, person_id: int) -> bool:
    """Whether a file belongs to an announced event for which a person is approved."""
    query = (
        select(EventFile.event_id)
        .join(Event, Event.id == EventFile.event_id)
        .join(Enrolment, Enrolment.event_id == EventFile.event_id)
        .where(
            EventFile.sha256 == digest,
            Event.state != "draft",
            Enrolment.person_id == person_id,
            Enrolment.state == "approved",
        )
    )
    return session.scalar(query.limit(1)) is not None
