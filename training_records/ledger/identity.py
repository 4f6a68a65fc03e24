"""Identity numbers: stored sealed where that is enabled, else not at all; shown masked."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from training_records.errors import NotFound
from training_records.ledger.models import KeptIdentity, Person

# Seals a text under the key, or opens it.
Sealing = Callable[[str], str]
_PART = 500


def keep(session: Session, sealed: Mapping[str, str]) -> int:
    """Stores sealed numbers by the digest of the number; digests that match nobody are skipped. Returns the count."""
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
    """The whole number; None if it is not stored."""
    row = session.get(KeptIdentity, person_id)
    return opened(row.sealed) if row else None


def whole_number(session: Session, person_id: int, opened: Sealing) -> str:
    """The whole number, for a caller who has given a reason. Raises NotFound if it is not stored."""
    number = kept_number(session, person_id, opened)
    if number is None:
        raise NotFound("没有存这个人的证件号码")
    return number


def masked(number: str) -> str:
    """Masks all but the first three and the last four characters, as on printed forms."""
    return number[:3] + "*" * (len(number) - 7) + number[-4:]
