"""Hash chains, in which altering, removing or inserting a row is detected.

A row's hash is SHA-256 over the canonical JSON of its predecessor's hash, its sequence number and its content. The head
of each chain is stored separately, so that a truncated tail is detected too.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias

from sqlalchemy import String, bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from training_records.database import Base, insert_missing

GENESIS = "0" * 64
# Sequence number, previous hash, hash, content.
Link: TypeAlias = tuple[int, str, str, Mapping[str, object]]
# Chain, and the sequence number and hash of its head on some day.
Anchored: TypeAlias = tuple[str, int, str]


class ChainHead(Base):
    """The head of one chain: its last sequence number and hash. Identity: the chain's name."""

    __tablename__ = "chain_head"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    seq: Mapped[int] = mapped_column(default=0)
    hash: Mapped[str] = mapped_column(String(64), default=GENESIS)


class ChainAnchor(Base):
    """The head of a chain as of a day. The same lines are written to a file outside the database, so that a chain
    recomputed as a whole is detected too. Identity: (day, chain)."""

    __tablename__ = "chain_anchor"

    day: Mapped[date] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    seq: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))


@dataclass(frozen=True)
class Break:
    """Where a chain fails verification: chain, sequence number and reason (Chinese)."""

    chain: str
    seq: int
    reason: str


def anchor(session: Session, day: date) -> list[str]:
    """Records the head of each chain, once a day. Returns the lines for the file outside the database, [] if the day is
    already recorded. The caller commits."""
    recorded = select(ChainAnchor.name).where(ChainAnchor.day == day)
    if session.scalar(recorded.limit(1)) is not None:
        return []
    lines = []
    for head in session.scalars(
        select(ChainHead).where(ChainHead.seq > 0).order_by(ChainHead.name)
    ):
        session.add(ChainAnchor(day=day, name=head.name, seq=head.seq, hash=head.hash))
        lines.append(f"{day} {head.name} {head.seq} {head.hash}")
    session.flush()
    return lines


def parse_anchor(line: str) -> Anchored | None:
    """Parses a line of the anchor file into (chain, seq, hash); None if it is malformed."""
    parts = line.split()
    if len(parts) != 4 or not parts[2].isdigit():
        return None
    return parts[1], int(parts[2]), parts[3]


def anchors_of(
    session: Session, prefix: str, outside: Iterable[Anchored]
) -> dict[str, dict[int, set[str]]]:
    """Returns the anchors of the chains whose name begins with `prefix`: chain → sequence number → hashes, as recorded
    in the database and in `outside`, the file."""
    stored = session.execute(select(ChainAnchor.name, ChainAnchor.seq, ChainAnchor.hash)).all()
    anchors: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for chain, seq, hashed in [*stored, *outside]:
        if chain.startswith(prefix):
            anchors[chain][seq].add(hashed)
    return anchors


def find_unanchored(
    name: str, links: Sequence[Link], anchors: Mapping[int, set[str]]
) -> Iterator[Break]:
    """Yields the first anchor that a chain no longer matches, if any; later ones add nothing."""
    hashes = {seq: hashed for seq, _, hashed, _ in links}
    for seq in sorted(anchors):
        if anchors[seq] != {hashes.get(seq, "")}:
            yield Break(name, seq, "与以前每日存档的链尾不同：这一条或它前面的记录被整体改写过")
            return


# Hot path: build the statement once, bind parameters per call.
_HEAD = (
    select(ChainHead)
    .where(ChainHead.name == bindparam("name"))
    .with_for_update()
    .execution_options(populate_existing=True)
)


def lock_head(session: Session, name: str) -> ChainHead:
    """Returns the head of a chain, creating it if missing, locked until the transaction ends."""
    head = session.scalar(_HEAD, {"name": name})
    if head is None:
        insert_missing(session, ChainHead, name=name, seq=0, hash=GENESIS)
        head = session.scalars(_HEAD, {"name": name}).one()
    return head


def link(head: ChainHead, content: Mapping[str, object]) -> tuple[int, str, str]:
    """Extends the chain by `content`; returns (seq, previous hash, hash)."""
    previous = head.hash
    head.seq += 1
    head.hash = digest(previous, head.seq, content)
    return head.seq, previous, head.hash


def digest(previous: str, seq: int, content: Mapping[str, object]) -> str:
    """Returns the hex SHA-256 of one link."""
    text = json.dumps([previous, seq, content], sort_keys=True, ensure_ascii=False, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    raise TypeError(type(value).__name__)


def find_breaks(
    name: str,
    links: Iterable[Link],
    head: tuple[int, str] | None,
) -> list[Break]:
    """Verifies links (seq, previous hash, hash, content), in order, against each other and the chain's head."""
    breaks, expected_seq, previous = [], 1, GENESIS
    for seq, stored_previous, stored, content in links:
        if seq != expected_seq:
            breaks.append(Break(name, seq, f"第 {expected_seq} 条不见了或序号被改过"))
        elif stored_previous != previous:
            breaks.append(Break(name, seq, "与前一条接不上：前一条被改过，或中间插入了记录"))
        if digest(stored_previous, seq, content) != stored:
            breaks.append(Break(name, seq, "内容被改过"))
        expected_seq, previous = seq + 1, stored
    last = expected_seq - 1
    if head is None and last:
        breaks.append(Break(name, last, "链尾登记不见了"))
    elif head is not None and head != (last, previous):
        breaks.append(Break(name, last, f"链尾对不上：应有 {head[0]} 条，最后几条被删或被加过"))
    return breaks
