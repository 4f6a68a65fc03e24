"""Identity numbers: kept sealed where that is switched on, else not at all; shown masked."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from training_records.errors import NotFound
from training_records.ledger.models import KeptIdentity, Person

# Text to what only the key opens, and back.
Sealing = Callable[[str], str]
_PART = 500


def keep(session: Session, sealed: Mapping[str, str]) -> int:
    """Keeps sealed numbers by the digest of the number; how many. Digests that nobody has are left out."""
    digests, count = sorted(sealed), 0
    for start in range(0, len(digests), _PART):
        part = digests[start : start + _PART]
        query = select(Person.identity_digest, Person.id).where(Person.identity_digest.in_(part))
        for digest, person_id in session.execute(query).all():
            session.merge(KeptIdentity(person_id=person_id, sealed=sealed[str(digest)]))
            count += 1
    session.flush()
    return count


def kept_number(session: Session, person_id: int, opened: Sealing) -> str | None:
    """The whole number, None when it is not kept."""
    row = session.get(KeptIdentity, person_id)
    return opened(row.sealed) if row else None


def whole_number(session: Session, person_id: int, opened: Sealing) -> str:
    """The whole number, for somebody who has said why; NotFound when it is not kept."""
    number = kept_number(session, person_id, opened)
    if number is None:
        raise NotFound("没有存这个人的证件号码")
    return number


def masked(number: str) -> str:
    """The first three and the last four characters, as printed forms show it."""
    return number[:3] + "*" * (len(number) - 7) + number[-4:]
