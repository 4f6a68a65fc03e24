"""What the system keeps of one person, as data."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from training_records.archive.experience import experience_text
from training_records.archive.service import entries_of
from training_records.corrections.merging import naming_people
from training_records.divisions import full_name
from training_records.ledger.models import ROLES, Person

# Said already by `person_data`; not to be told: what opens an account or holds a sign-in.
_SAID, _SECRET = (
    ("post", "archive_entry"),
    ("password_hash", "code_digest", "holder", "secret", "sealed"),
)


def own_data(session: Session, person: Person) -> dict[str, object]:
    """Everything that names a person in any table, for themselves (个人信息保护法 第四十五条: 查阅、复制)."""
    more: dict[str, object] = {}
    for table in naming_people():
        if table.name in _SAID:
            continue
        columns = [c for c in table.c if c.name not in _SECRET]
        rows = session.execute(select(*columns).where(table.c.person_id == person.id))
        if found := [dict(row) for row in rows.mappings()]:
            more[table.name] = found
    return {**person_data(session, person), "more": more}


def person_data(session: Session, person: Person) -> dict[str, object]:
    """Ledger, posts and every archive entry with its place in the chain."""
    hidden = ("id", "identity_digest")
    own = {c.key: getattr(person, c.key) for c in person.__table__.columns if c.key not in hidden}
    return {
        "person_id": person.id,
        "name": person.name,
        "ledger": own,
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
