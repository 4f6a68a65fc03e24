"""Operations on the archive: append, void, read, verify."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date as Date
from decimal import Decimal
from itertools import groupby

from sqlalchemy import select
from sqlalchemy.orm import Session

from training_records.archive.models import ArchiveEntry, EntryKind, effective
from training_records.chain import (
    Anchored,
    Break,
    ChainHead,
    anchors_of,
    find_breaks,
    find_unanchored,
    link,
    lock_head,
)
from training_records.database import JsonValue, now
from training_records.errors import NotFound, Refused
from training_records.facts.levels import level_key
from training_records.ledger.district import districts_of

# Chain name prefix; the district's code follows.
CHAINS = "archive:"


@dataclass(frozen=True)
class NewEntry:
    """The values of an entry to append; hours in credit hours of 45 minutes."""

    person_id: int
    kind: EntryKind
    date: Date
    title: str
    level: str | None = None
    form: str | None = None
    organiser: str | None = None
    hours: Decimal | None = None
    score: Decimal | None = None
    passed: bool | None = None
    induction: bool = False
    certificate_no: str | None = None
    evidence: dict[str, JsonValue] | None = None
    source_key: str | None = None
    voids_id: int | None = None
    reason: str | None = None


def append(
    session: Session, entry: NewEntry, recorded_by: str, *, fresh: bool = False
) -> ArchiveEntry:
    """Appends one entry. A repeated `source_key` returns the existing entry. `fresh`: see `append_many`."""
    return append_many(session, [entry], recorded_by, fresh=fresh)[0]


def append_many(
    session: Session, entries: Iterable[NewEntry], recorded_by: str, *, fresh: bool = False
) -> list[ArchiveEntry]:
    """Appends entries in order, each to the chain of its person's district. `fresh`: skips the look-up by `source_key`;
    the caller holds a lock under which none can exist yet (the unique constraint refuses duplicates)."""
    wanted = list(entries)
    keys = [e.source_key for e in wanted if e.source_key and not fresh]
    chains = _chains(session, {e.person_id for e in wanted})
    # Lock the heads before the look-up, so that it sees the entries of the transaction waited for.
    heads = {name: lock_head(session, name) for name in sorted(set(chains.values()))}
    existing: dict[str | None, ArchiveEntry] = {}
    for start in range(0, len(keys), 500):
        part = keys[start : start + 500]
        matches = session.scalars(select(ArchiveEntry).where(ArchiveEntry.source_key.in_(part)))
        existing.update({e.source_key: e for e in matches})
    rows, at = [], now()
    for new in wanted:
        if new.source_key and new.source_key in existing:
            rows.append(existing[new.source_key])
            continue
        name = chains[new.person_id]
        row = ArchiveEntry(
            **{**new.__dict__, "level": new.level and level_key(new.level)},
            chain=name,
            recorded_by=recorded_by,
            recorded_at=at,
            district=name.removeprefix(CHAINS),
            year=at.year,
        )
        row.seq, row.previous, row.hash = link(heads[name], row.content())
        if new.source_key:
            existing[new.source_key] = row
        session.add(row)
        rows.append(row)
    session.flush()
    return rows


def void(session: Session, entry_id: int, reason: str, *, by: str) -> ArchiveEntry:
    """Appends an entry that voids an earlier one, which stays readable."""
    old = session.get(ArchiveEntry, entry_id)
    if old is None:
        raise NotFound("没有这条记录")
    if not reason.strip():
        raise Refused("请写明更正的原因")
    if old.kind == "void" or session.scalar(
        select(ArchiveEntry.id).where(ArchiveEntry.voids_id == entry_id)
    ):
        raise Refused("这条记录已经作废过了")
    return append(
        session,
        NewEntry(
            old.person_id,
            "void",
            old.date,
            f"作废：{old.title}"[:100],
            voids_id=old.id,
            reason=reason,
        ),
        by,
    )


def entries_of(session: Session, person_id: int, *, all_rows: bool = False) -> list[ArchiveEntry]:
    """A person's entries, newest first; with `all_rows` also voided entries and voidings."""
    query = select(ArchiveEntry).where(ArchiveEntry.person_id == person_id)
    if not all_rows:
        query = query.where(effective())
    return list(session.scalars(query.order_by(ArchiveEntry.date.desc(), ArchiveEntry.id.desc())))


def _chains(session: Session, people: set[int]) -> dict[int, str]:
    districts = districts_of(session, people)
    if people - set(districts):
        raise Refused("这个人没有任职记录，先在台账里登记任职，再记培训")
    return {person: CHAINS + code for person, code in districts.items()}


def verify(session: Session, outside: Iterable[Anchored] = ()) -> tuple[int, list[Break]]:
    """Verifies every chain, also against the anchors of earlier days. Returns (number of entries, breaks). `outside`:
    anchors (chain, seq, hash) stored outside the database."""
    heads = {
        h.name: (h.seq, h.hash)
        for h in session.scalars(select(ChainHead).where(ChainHead.name.startswith(CHAINS)))
    }
    anchors = anchors_of(session, CHAINS, outside)
    query = select(ArchiveEntry).order_by(ArchiveEntry.chain, ArchiveEntry.seq, ArchiveEntry.id)
    rows = session.scalars(query.execution_options(yield_per=2000))
    count, breaks = 0, []
    for name, group in groupby(rows, key=lambda e: e.chain):
        links = [(e.seq, e.previous, e.hash, e.content()) for e in group]
        count += len(links)
        breaks.extend(find_breaks(name, links, heads.pop(name, None)))
        breaks.extend(find_unanchored(name, links, anchors.pop(name, {})))
    breaks.extend(Break(name, 0, "整条链的记录都不见了") for name, (seq, _) in heads.items() if seq)
    breaks.extend(
        Break(name, max(recorded), "以前存档过的链不见了")
        for name, recorded in anchors.items()
        if name not in heads
    )
    return count, breaks
