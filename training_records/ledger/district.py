"""The district of a person."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from training_records.divisions import ancestor
from training_records.ledger.models import Post

# Hot path: build the statement once, bind parameters per call.
_POSTS = (
    select(Post.person_id, Post.division_code)
    .where(Post.person_id.in_(bindparam("people", expanding=True)))
    .order_by(Post.start, Post.id)
)


def districts_of(session: Session, people: Collection[int]) -> dict[int, str]:
    """District code of each person's latest post; people without a post are left out."""
    ids, districts = sorted(people), {}
    for start in range(0, len(ids), 500):
        rows = session.execute(_POSTS, {"people": ids[start : start + 500]})
        districts.update({person: ancestor(code, "district") for person, code in rows})
    return districts
