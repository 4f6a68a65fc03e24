"""Correction requests: a person reports an error, the office answers and voids the entry if the request is right."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from training_records.archive.models import ArchiveEntry, CorrectionRequest
from training_records.archive.service import void
from training_records.database import now
from training_records.errors import NotFound, Refused
from training_records.ledger.models import Person
from training_records.ledger.service import ids_in

MAX_OPEN = 5


def request_correction(
    session: Session, person_id: int, text: str, *, entry_id: int | None
) -> CorrectionRequest:
    """Creates a request about one of the person's own entries, or about the ledger's data (no entry)."""
    if not text.strip():
        raise Refused("请写清楚哪里不对，应该是什么")
    if entry_id is not None:
        entry = session.get(ArchiveEntry, entry_id)
        if entry is None or entry.person_id != person_id:
            raise NotFound("没有这条记录")
    unanswered = [r for r in of_person(session, person_id) if r.decided_at is None]
    if len(unanswered) >= MAX_OPEN:
        raise Refused(f"您有 {len(unanswered)} 条还没有答复，请等区（市）民政部门答复后再提")
    request = CorrectionRequest(person_id=person_id, entry_id=entry_id, text=text.strip()[:300])
    session.add(request)
    session.flush()
    return request


def of_person(session: Session, person_id: int) -> list[CorrectionRequest]:
    """A person's requests, newest first."""
    query = select(CorrectionRequest).where(CorrectionRequest.person_id == person_id)
    return list(session.scalars(query.order_by(CorrectionRequest.id.desc())))


def waiting_in(
    session: Session, prefix: str
) -> list[tuple[CorrectionRequest, Person, ArchiveEntry | None]]:
    """Unanswered requests of a division, oldest first."""
    query = (
        select(CorrectionRequest, Person, ArchiveEntry)
        .join(Person, Person.id == CorrectionRequest.person_id)
        .outerjoin(ArchiveEntry, ArchiveEntry.id == CorrectionRequest.entry_id)
        .where(
            CorrectionRequest.decided_at.is_(None), CorrectionRequest.person_id.in_(ids_in(prefix))
        )
        .order_by(CorrectionRequest.id)
    )
    return [(r, p, e) for r, p, e in session.execute(query)]


def decide(
    session: Session, request: CorrectionRequest, accepted: bool, *, answer: str, by: str
) -> None:
    """Answers a request. Accepting one about an entry voids that entry, with the answer as the reason; the office
    records the correct entry separately."""
    if request.decided_at is not None:
        raise Refused("这条已经答复过了")
    if not answer.strip():
        raise Refused("请写一句答复，本人会看到")
    if accepted and request.entry_id is not None:
        void(session, request.entry_id, f"本人更正：{answer.strip()}"[:200], by=by)
    request.accepted, request.answer = accepted, answer.strip()[:300]
    request.decided_by, request.decided_at = by, now()
    session.flush()
