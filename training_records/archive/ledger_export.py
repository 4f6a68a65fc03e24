"""The ledger as a workbook in the superior system's column order, with each person's training."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from typing import IO

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from training_records.archive.counting import LEARNING_KINDS
from training_records.archive.experience import entry_clause, fit, post_clause
from training_records.archive.models import ArchiveEntry, effective
from training_records.database import NamedRow
from training_records.divisions import WIDTHS, ancestor, division_names, joined_name, within
from training_records.ledger.checks import result_label
from training_records.ledger.columns import COLUMNS
from training_records.ledger.models import ROLES, Person, Post
from training_records.ledger.service import in_post_on
from training_records.xlsx import Sheet, Workbook, write_workbook

BATCH, MAX_CLAUSES = 500, 20
Claimed = Callable[[Session, Iterable[int]], set[int]]


def ledger_rows(
    session: Session, prefix: str, as_of: date, *, claimed: Claimed | None = None
) -> Iterator[list[object]]:
    """Yields the ledger in the superior system's order, one row per post held on `as_of`, read in batches.

    The column of identity numbers stays empty. `claimed`: returns those of the given people who have an account of
    their own (是否认领).
    """
    last = ("", 0)
    while True:
        held = (
            select(Post.division_code, Post.id)
            .where(within(Post.division_code, prefix), in_post_on(as_of))
            .where(tuple_(Post.division_code, Post.id) > last)
            .order_by(Post.division_code, Post.id)
            .limit(BATCH)
        )
        keys = [(code, number) for code, number in session.execute(held)]
        if not keys:
            return
        yield from _rows(session, [number for _, number in keys], claimed)
        last = keys[-1]


def _rows(session: Session, ids: Sequence[int], claimed: Claimed | None) -> Iterator[list[object]]:
    query = select(*Post.__table__.columns).where(Post.id.in_(ids))
    posts = session.execute(query.order_by(Post.division_code, Post.id)).all()
    owners = {post.person_id for post in posts}
    people = {
        p.id: p
        for p in session.execute(select(*Person.__table__.columns).where(Person.id.in_(owners)))
    }
    served: dict[int, list[NamedRow]] = defaultdict(list)
    query = select(*Post.__table__.columns).where(Post.person_id.in_(owners))
    for post in session.execute(query.order_by(Post.person_id, Post.start)):
        served[post.person_id].append(post)
    codes = {p.division_code for held in served.values() for p in held}
    ancestors = {ancestor(code, level) for code in codes for level in WIDTHS}
    names = division_names(session, codes=codes | ancestors)
    trainings = _trainings(session, owners)
    claimants = claimed(session, owners) if claimed else set()
    for post in posts:
        person = people[post.person_id]
        derived = {
            "role": ROLES[post.role],
            "code": post.division_code,
            "district": names.get(ancestor(post.division_code, "district")),
            "town": names.get(ancestor(post.division_code, "town")),
            "village": names.get(post.division_code) if post.role == "director" else None,
            "full_time": _yes_no(person.full_time),
            "purchased": _yes_no(person.purchased),
            "claimed": _yes_no(person.id in claimants) if claimed else None,
            "background_result": result_label(person.background_result) or None,
            "experience": fit(
                [post_clause(p, joined_name(names, p.division_code)) for p in served[person.id]],
                trainings[person.id],
            ),
        }
        row = []
        for name in COLUMNS:
            value = (
                derived[name]
                if name in derived
                else getattr(post, name, getattr(person, name, None))
            )
            row.append(value.isoformat() if isinstance(value, date) else value)
        yield row


def _trainings(session: Session, people: Iterable[int]) -> dict[int, list[str]]:
    """The newest trainings of each person as clauses, at most `MAX_CLAUSES`."""
    columns = ("person_id", "kind", "date", "title", "organiser", "hours", "score", "passed")
    query = select(*(getattr(ArchiveEntry, name) for name in columns)).where(
        effective(),
        ArchiveEntry.person_id.in_(people),
        ArchiveEntry.kind.in_(LEARNING_KINDS),
    )
    clauses: dict[int, list[str]] = defaultdict(list)
    for entry in session.execute(query.order_by(ArchiveEntry.date.desc(), ArchiveEntry.id.desc())):
        if len(clauses[entry.person_id]) < MAX_CLAUSES:
            clauses[entry.person_id].append(entry_clause(entry))
    return clauses


def export_ledger(session: Session, prefix: str, place: str, *, as_of: date) -> bytes:
    """Returns the ledger as a workbook."""
    out = io.BytesIO()
    write_ledger(session, prefix, place, as_of=as_of, out=out)
    return out.getvalue()


def write_ledger(
    session: Session,
    prefix: str,
    place: str,
    *,
    as_of: date,
    out: IO[bytes],
    claimed: Claimed | None = None,
) -> int:
    """Writes the ledger as a workbook, row by row. Returns the number of rows."""
    count = 0

    def fill(book: Workbook) -> None:
        nonlocal count
        heads = [title for title, _ in COLUMNS.values()]
        widths = [40 if name == "experience" else 14 for name in COLUMNS]
        sheet = Sheet(
            book,
            "台账",
            f"{place}儿童主任（儿童督导员）信息台账（{as_of}）",
            heads=heads,
            widths=widths,
        )
        for row in ledger_rows(session, prefix, as_of, claimed=claimed):
            sheet.add(row)
            count += 1

    write_workbook(out, fill)
    return count


def _yes_no(value: bool | None) -> str | None:
    return None if value is None else "是" if value else "否"
