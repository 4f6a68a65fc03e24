"""The verbs of the certificates."""

from __future__ import annotations

import secrets
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from training_records.archive.models import ArchiveEntry
from training_records.archive.service import NewEntry, append
from training_records.certificates.models import Certificate
from training_records.ledger.models import Person

# Without 0 O 1 I L: it is typed from paper.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def new_number(issued_on: date) -> str:
    """``QD2026-XXXX-XXXX-XXXX``: 59 random bits, so that numbers can't be guessed."""
    random = "".join(secrets.choice(ALPHABET) for _ in range(12))
    return f"QD{issued_on.year}-{random[:4]}-{random[4:8]}-{random[8:]}"


def issue(
    session: Session, person: Person, passed: ArchiveEntry, title: str, organiser: str, by: str
) -> Certificate:
    """The certificate for a passed exam's entry; a second call returns the first one."""
    there = session.scalar(select(Certificate).where(Certificate.entry_id == passed.id))
    if there:
        return there
    certificate = Certificate(
        no=new_number(passed.date),
        person_id=person.id,
        entry_id=passed.id,
        holder=person.name,
        title=title,
        organiser=organiser,
        issued_on=passed.date,
    )
    session.add(certificate)
    append(
        session,
        NewEntry(
            person.id,
            "certificate",
            passed.date,
            title,
            organiser=organiser,
            certificate_no=certificate.no,
            evidence={"entry": passed.id},
            source_key=f"certificate:{passed.id}",
        ),
        by,
    )
    return certificate


def find(session: Session, number: str) -> Certificate | None:
    """The certificate with exactly this number."""
    return session.get(Certificate, number.strip().upper()) if len(number) <= 40 else None


def of_person(session: Session, person_id: int) -> list[Certificate]:
    """A person's certificates, newest first."""
    return list(
        session.scalars(
            select(Certificate)
            .where(Certificate.person_id == person_id)
            .order_by(Certificate.issued_on.desc())
        )
    )


def mask_name(name: str) -> str:
    """王* for those outside the scope."""
    return name[:1] + "*" * max(len(name) - 1, 1)
