"""The verbs of the ledger."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Select, Subquery, func, or_, select
from sqlalchemy.orm import Session

from training_records.divisions import within
from training_records.errors import NotFound
from training_records.ledger.models import Person, Post


def in_post_on(on: date, post: Any = Post) -> Any:
    """SQL: the post is held on this day."""
    return (post.start <= on) & or_(post.end.is_(None), post.end >= on)


def people_in(prefix: str) -> Select[Person]:
    """Persons who hold or held a post in the division with this prefix."""
    return select(Person).where(
        select(Post.id)
        .where(Post.person_id == Person.id, within(Post.division_code, prefix))
        .exists()
    )


def ids_in(prefix: str) -> Select[int]:
    """Ids of the persons who hold or held a post in the division with this prefix."""
    return select(Post.person_id).where(within(Post.division_code, prefix))


def places_in(prefix: str) -> Subquery:
    """(person_id, code): one division within the prefix where each person holds or held a post."""
    code = func.max(Post.division_code).label("code")
    query = select(Post.person_id, code).where(within(Post.division_code, prefix))
    return query.group_by(Post.person_id).subquery()


def get_person(session: Session, person_id: int, prefix: str) -> Person:
    """The person, if within the scope; NotFound otherwise, whether or not they exist."""
    person = session.scalar(people_in(prefix).where(Person.id == person_id))
    if person is None:
        raise NotFound("没有这个人,或不在您的管理范围内")
    return person


def search_people(
    session: Session,
    prefix: str,
    text: str = "",
    on: date | None = None,
    limit: int = 50,
    offset: int = 0,
    due_by: date | None = None,
) -> tuple[list[tuple[Person, Post]], int]:
    """(person, post) rows in the scope by name, phone or division; with `on`, only posts held then;
    with `due_by`, only those whose background check is due by that day or missing.

    Returns the page and the number of all.
    """
    query = select(Person, Post).join(Post).where(within(Post.division_code, prefix))
    if on:
        query = query.where(in_post_on(on))
    if due_by:
        query = query.where(
            or_(Person.background_next_due.is_(None), Person.background_next_due <= due_by)
        )
    if text:
        query = query.where(
            or_(
                Person.name.contains(text, autoescape=True),
                Person.phone.startswith(text, autoescape=True),
            )
        )
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    rows = session.execute(
        query.order_by(Post.division_code, Person.name, Post.id).limit(limit).offset(offset)
    )
    return [(person, post) for person, post in rows], total


def current_post(session: Session, person_id: int, on: date) -> Post | None:
    """The post held on a day; with several, the one begun last."""
    return session.scalar(
        select(Post)
        .where(Post.person_id == person_id, in_post_on(on))
        .order_by(Post.start.desc(), Post.id.desc())
        .limit(1)
    )
