"""Export of everything the system stores about one person."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from training_records.archive.experience import experience_text
from training_records.archive.service import entries_of
from training_records.corrections.merging import naming_people
from training_records.divisions import full_name
from training_records.ledger.checks import result_label
from training_records.ledger.models import ROLES, Person

# Tables that `person_data` covers already; columns that hold credentials.
_COVERED, _SECRET = (
    ("post", "archive_entry"),
    ("password_hash", "code_digest", "holder", "secret", "sealed"),
)


def own_data(session: Session, person: Person) -> dict[str, object]:
    """Returns every row that refers to a person, in any table, for the person's own access and copy request
    (个人信息保护法 第四十五条: 查阅、复制)."""
    others: dict[str, object] = {}
    for table in naming_people():
        if table.name in _COVERED:
            continue
        columns = [c for c in table.c if c.name not in _SECRET]
        rows = session.execute(select(*columns).where(table.c.person_id == person.id))
        if exported := [dict(row) for row in rows.mappings()]:
            others[table.name] = exported
    return {**person_data(session, person), "more": others}


def person_data(session: Session, person: Person) -> dict[str, object]:
    """Returns ledger, posts and every archive entry with its position in the hash chain."""
    hidden = ("id", "identity_digest")
    ledger = {
        c.key: getattr(person, c.key) for c in person.__table__.columns if c.key not in hidden
    }
    ledger["background_result"] = result_label(person.background_result) or None
    return {
        "person_id": person.id,
        "name": person.name,
        "ledger": ledger,
        "experience": experience_text(session, person),
        "posts": [
            {
                "role": ROLES[p.role],
                "division": p.division_code,
                "place": full_name(session, p.division_code),
                "start": p.start,
                "end": p.end,
            }
            for p in person.posts
        ],
        "records": [
            {**e.content(), "id": e.id, "chain": e.chain, "seq": e.seq, "hash": e.hash}
            for e in entries_of(session, person.id, all_rows=True)
        ],
    }
