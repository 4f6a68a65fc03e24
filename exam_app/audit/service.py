"""Audit log: record, read, verify."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from exam_app.audit.models import AuditEntry
from training_records.chain import (
    Anchored,
    Break,
    ChainHead,
    anchors_of,
    find_breaks,
    find_unanchored,
    link,
    lock_head,
)
from training_records.database import now
from training_records.divisions import within

CHAIN = "audit"


def record(
    session: Session,
    actor: str,
    action: str,
    *,
    subject: str,
    detail: Mapping[str, object] | None = None,
    scope: str = "",
    request_id: str | None = None,
) -> None:
    """Appends an entry in the caller's transaction. `detail` must hold no personal data."""
    record_many(
        session,
        [
            AuditEntry(
                created_at=now(),
                created_by=actor,
                scope=scope,
                action=action,
                subject=subject,
                detail=None if detail is None else dict(detail),
                request_id=request_id,
            )
        ],
    )


def record_many(session: Session, entries: Sequence[AuditEntry]) -> None:
    """Appends entries in the caller's transaction. Sets `seq`, `previous`, `hash` and `year`; callers set the rest."""
    head = lock_head(session, CHAIN)
    for entry in entries:
        entry.seq, entry.previous, entry.hash = link(head, entry.content())
        entry.year = entry.created_at.year
    session.add_all(entries)
    session.flush()


def tail(session: Session, limit: int = 50) -> list[AuditEntry]:
    """Returns the last entries, oldest first."""
    rows = session.scalars(select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(limit))
    return list(rows)[::-1]


def entries_in(
    session: Session, prefix: str, text: str = "", *, before: int | None = None, limit: int = 50
) -> list[AuditEntry]:
    """Returns entries of the offices of a division, latest first. `text` is a prefix of the action or subject, or the
    exact actor."""
    query = select(AuditEntry).where(within(AuditEntry.scope, prefix))
    if text:
        query = query.where(
            or_(
                AuditEntry.action.startswith(text, autoescape=True),
                AuditEntry.subject.startswith(text, autoescape=True),
                AuditEntry.created_by == text,
            )
        )
    if before is not None:
        query = query.where(AuditEntry.seq < before)
    return list(session.scalars(query.order_by(AuditEntry.seq.desc()).limit(limit)))


def verify(session: Session, outside: Iterable[Anchored] = ()) -> tuple[int, list[Break]]:
    """Verifies the hash chain, also against the anchors of earlier days. Returns (number of entries, breaks).
    `outside`: anchors stored outside the database."""
    entries = list(session.scalars(select(AuditEntry).order_by(AuditEntry.seq)))
    head = session.get(ChainHead, CHAIN)
    links = [(e.seq, e.previous, e.hash, e.content()) for e in entries]
    breaks = find_breaks(CHAIN, links, (head.seq, head.hash) if head else None)
    anchors = anchors_of(session, CHAIN, outside)
    return len(entries), [*breaks, *find_unanchored(CHAIN, links, anchors.get(CHAIN, {}))]
