"""Duplicate people in the ledger: merging the two, and undoing the merge.

Archive entries are never moved: those of the person merged away are voided and filed again for the person kept. All
other rows that name the person are re-pointed, in every part of the system.
"""

from __future__ import annotations

from datetime import date
from typing import TypedDict

from sqlalchemy import Table, select, update
from sqlalchemy.orm import Session, aliased

from training_records.archive.models import ArchiveEntry
from training_records.archive.service import NewEntry, append_many, entries_of, void
from training_records.coverage.running import mark_dirty
from training_records.database import Base, JsonValue, now
from training_records.errors import Refused
from training_records.ledger.models import Person, PersonMerge, Post
from training_records.ledger.service import ids_in, note, plain

# Filed again, derived, history, or handled separately below.
_EXCLUDED = ("archive_entry", "coverage_seat", "coverage_frozen_seat", "post", "person_merge")
_COPIED = (
    *("kind", "date", "title", "level", "form", "organiser", "hours", "score", "passed"),
    *("induction", "certificate_no"),
)


class Moved(TypedDict):
    """What a merge moved: ids of posts, posts that both people had, keys of rows in other tables, ids of entries filed
    again."""

    posts: list[int]
    removed: list[dict[str, JsonValue]]
    rows: dict[str, list[dict[str, JsonValue]]]
    entries: list[int]


def twins(session: Session, prefix: str, limit: int = 50) -> list[tuple[Person, Person]]:
    """Pairs in a division that may be the same person: same name, and same birthday or a post in the same division."""
    other, post, other_post = aliased(Person), aliased(Post), aliased(Post)
    shared_division = (
        select(post.id)
        .join(other_post, other_post.division_code == post.division_code)
        .where(post.person_id == Person.id, other_post.person_id == other.id)
    )
    query = (
        select(Person, other)
        .join(other, (other.name == Person.name) & (other.id > Person.id))
        .where(
            Person.id.in_(ids_in(prefix)),
            other.id.in_(ids_in(prefix)),
            (Person.birth_date == other.birth_date) | shared_division.exists(),
        )
        .order_by(Person.name, Person.id)
        .limit(limit)
    )
    return [(a, b) for a, b in session.execute(query)]


def merge(session: Session, kept: Person, gone: Person, *, by: str, reason: str) -> PersonMerge:
    """Merges `gone` into `kept`. An overlapping post of the same role and division is deleted and stored in `moved`;
    rows that would violate a unique index (the same exam) stay with `gone`. Raises `Refused` without a reason."""
    if kept.id == gone.id:
        raise Refused("这是同一条记录，不用合并")
    if not reason.strip():
        raise Refused("请写明怎么知道是同一个人，例如“核对过证件”")
    record = PersonMerge(
        kept_id=kept.id, gone_id=gone.id, created_by=by, reason=reason.strip()[:200], moved={}
    )
    session.add(record)
    session.flush()
    moved: Moved = {"posts": [], "removed": [], "rows": {}, "entries": []}
    # An entry is filed in the district of its person's post: void before the posts move, file again afterwards.
    entries = list(reversed(entries_of(session, gone.id)))
    for entry in entries:
        void(session, entry.id, f"合并到{kept.name}名下", by=by)
    _move_posts(session, kept, gone, moved=moved)
    copies = [_copy(e, kept.id, f"merge:{record.id}:{e.id}") for e in entries]
    moved["entries"] = [e.id for e in append_many(session, copies, by)] if copies else []
    for table in naming_people():
        if table.name in _EXCLUDED:
            continue
        _repoint(session, table, kept.id, gone=gone.id, rows=moved["rows"])
    record.moved = {**moved}
    for person in (kept, gone):
        note(
            session,
            "merged",
            person.id,
            post_id=None,
            fields={"person": [gone.id, kept.id]},
            by=by,
            reason=reason,
        )
    session.flush()
    mark_dirty(session, [kept.id, gone.id])
    session.expire_all()
    return record


def unmerge(session: Session, done: PersonMerge, by: str) -> None:
    """Undoes a merge: everything moved goes back; copied entries are voided, and filed again for the other person."""
    if done.undone_at is not None:
        raise Refused("这次合并已经撤销过了")
    moved = done.moved
    copies = [session.get_one(ArchiveEntry, number) for number in moved["entries"]]
    voided = set(
        session.scalars(
            select(ArchiveEntry.voids_id).where(ArchiveEntry.voids_id.in_(moved["entries"]))
        )
    )
    effective_copies = [e for e in copies if e.id not in voided]
    for entry in effective_copies:
        void(session, entry.id, "撤销合并", by=by)
    session.execute(update(Post).where(Post.id.in_(moved["posts"])).values(person_id=done.gone_id))
    for values in moved["removed"]:
        session.add(Post(**{name: _typed(name, value) for name, value in values.items()}))
    session.flush()
    for name, rows in moved["rows"].items():
        table = Base.metadata.tables[name]
        for key in rows:
            where = [table.c[column] == value for column, value in key.items()]
            session.execute(update(table).where(*where).values(person_id=done.gone_id))
    refiled = [_copy(e, done.gone_id, f"unmerge:{done.id}:{e.id}") for e in effective_copies]
    if refiled:
        append_many(session, refiled, by)
    done.undone_at, done.undone_by = now(), by
    for person in (done.kept_id, done.gone_id):
        note(
            session,
            "unmerged",
            person,
            post_id=None,
            fields={"person": [done.kept_id, done.gone_id]},
            by=by,
            reason=None,
        )
    session.flush()
    mark_dirty(session, [done.kept_id, done.gone_id])
    session.expire_all()


def _typed(name: str, value: JsonValue) -> object:
    if name in ("start", "end") and isinstance(value, str):
        return date.fromisoformat(value)
    return value


def merges_of(session: Session, person_id: int) -> list[PersonMerge]:
    """The merges that involve a person, newest first."""
    either = (PersonMerge.kept_id == person_id) | (PersonMerge.gone_id == person_id)
    return list(session.scalars(select(PersonMerge).where(either).order_by(PersonMerge.id.desc())))


def _copy(entry: ArchiveEntry, person_id: int, key: str) -> NewEntry:
    values = {name: getattr(entry, name) for name in _COPIED}
    evidence = {**(entry.evidence or {}), "from": entry.id}
    return NewEntry(person_id, evidence=evidence, source_key=key, **values)


def _move_posts(session: Session, kept: Person, gone: Person, *, moved: Moved) -> None:
    held = {(p.role, p.division_code): p for p in kept.posts}
    for post in list(gone.posts):
        same = held.get((post.role, post.division_code))
        if same is None or not _overlap(same, post):
            moved["posts"].append(post.id)
            session.execute(update(Post).where(Post.id == post.id).values(person_id=kept.id))
        else:
            columns = [c.key for c in Post.__table__.columns if c.key != "id"]
            moved["removed"].append({c: plain(getattr(post, c)) for c in columns})
            session.delete(post)
    session.flush()


def _overlap(post: Post, other: Post) -> bool:
    ends = (post.end or date.max, other.end or date.max)
    return max(post.start, other.start) <= min(ends)


def naming_people() -> list[Table]:
    """All mapped tables with a foreign key `person_id` to a person."""
    return [
        table
        for table in Base.metadata.sorted_tables
        if "person_id" in table.c
        and any(key.column.table.name == "person" for key in table.c.person_id.foreign_keys)
    ]


def _repoint(
    session: Session,
    table: Table,
    kept: int,
    *,
    gone: int,
    rows: dict[str, list[dict[str, JsonValue]]],
) -> None:
    """Re-points the rows of one table, except those that would then be duplicates."""
    keys = [c for c in table.primary_key.columns if c.name != "person_id"]
    query = select(table.c.person_id, *keys).where(table.c.person_id == gone)
    for row in session.execute(query).all():
        key = {column.name: value for column, value in zip(keys, row[1:], strict=True)}
        if _taken(session, table, key, kept=kept, gone=gone):
            continue
        where = [table.c[name] == value for name, value in key.items()]
        session.execute(
            update(table).where(table.c.person_id == gone, *where).values(person_id=kept)
        )
        rows.setdefault(table.name, []).append(
            {name: plain(value) for name, value in key.items()}
            | ({"person_id": kept} if "person_id" in table.primary_key.columns else {})
        )


def _taken(session: Session, table: Table, key: dict[str, object], *, kept: int, gone: int) -> bool:
    """Whether the kept person already has a row that conflicts with this one under a unique index."""
    uniques = [[c.name for c in index.columns] for index in table.indexes if index.unique] + [
        [c.name for c in table.primary_key.columns]
    ]
    where = [table.c[name] == value for name, value in key.items()]
    row = session.execute(select(table).where(table.c.person_id == gone, *where)).mappings().one()
    for names in uniques:
        if "person_id" not in names:
            continue
        same = [table.c[n] == row[n] for n in names if n != "person_id"]
        if session.execute(
            select(1).select_from(table).where(table.c.person_id == kept, *same)
        ).first():
            return True
    return False
