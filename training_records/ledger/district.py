"""The district that a person belongs to."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from training_records.divisions import ancestor
from training_records.ledger.models import Post


def districts_of(session: Session, people: Collection[int]) -> dict[int, str]:
    """The code of the district of each person's latest post; none for those without a post."""
    ids, found = sorted(people), {}
    for start in range(0, len(ids), 500):
        rows = session.execute(
            select(Post.person_id, Post.division_code)
            .where(Post.person_id.in_(ids[start : start + 500]))
            .order_by(Post.start, Post.id)
        )
        found.update({person: ancestor(code, "district") for person, code in rows})
    return found
