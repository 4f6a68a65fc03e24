"""Tables of the archive."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import ColumnElement, ForeignKey, Index, Numeric, String, select, text
from sqlalchemy.orm import Mapped, aliased, mapped_column

from training_records.database import Base, PartitionKey, now

EntryKind = Literal[
    "course", "training", "exam", "certificate", "external", "award", "evaluation", "check", "void"
]
KINDS: dict[EntryKind, str] = {
    "course": "线上课程",
    "training": "集中培训",
    "exam": "考试",
    "certificate": "证书",
    "external": "外部证书",
    "award": "表彰",
    "evaluation": "评价结果",
    "check": "入职查询",
    "void": "更正",
}


class ArchiveEntry(PartitionKey, Base):
    """Something that a person learnt or proved, or the voiding of an earlier entry.

    Never updated, never deleted. Identity: `id`, and (chain, seq) in the hash chain of its district. `source_key` names
    the source of an entry, so that it is filed only once. `level`: a key of `facts.levels`; rows older than the keys
    hold the label, which their hash covers.
    """

    __tablename__ = "archive_entry"
    __table_args__ = (
        Index("uq_archive_entry_chain", "chain", "seq", unique=True),
        # Covering index for coverage's scan of all entries.
        Index(
            "ix_archive_entry_person_date",
            *("person_id", "date", "kind", "level", "hours", "passed", "induction"),
        ),
        Index(
            "ix_archive_entry_voids_id",
            "voids_id",
            sqlite_where=text("voids_id IS NOT NULL"),
            postgresql_where=text("voids_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    chain: Mapped[str] = mapped_column(String(40))
    seq: Mapped[int]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[EntryKind] = mapped_column(String(20))
    date: Mapped[date]
    title: Mapped[str] = mapped_column(String(100))
    level: Mapped[str | None] = mapped_column(String(10))
    form: Mapped[str | None] = mapped_column(String(20))
    organiser: Mapped[str | None] = mapped_column(String(60))
    hours: Mapped[Decimal | None] = mapped_column(Numeric(6, 2))
    score: Mapped[Decimal | None] = mapped_column(Numeric(6, 2))
    passed: Mapped[bool | None]
    induction: Mapped[bool] = mapped_column(default=False)
    certificate_no: Mapped[str | None] = mapped_column(String(40))
    evidence: Mapped[dict[str, Any] | None]
    source_key: Mapped[str | None] = mapped_column(String(80), unique=True)
    voids_id: Mapped[int | None] = mapped_column(ForeignKey("archive_entry.id"))
    reason: Mapped[str | None] = mapped_column(String(200))
    recorded_by: Mapped[str] = mapped_column(String(40))
    recorded_at: Mapped[datetime] = mapped_column(default=now)
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))

    def content(self) -> dict[str, object]:
        """Returns what the hash covers: every column except the id, the chain's own columns and the partition key."""
        excluded = {"id", "chain", "seq", "previous", "hash", "district", "year"}
        return {
            c.key: getattr(self, c.key) for c in self.__table__.columns if c.key not in excluded
        }


class Evidence(Base):
    """A file that supports an entry (attendance sheet, certificate). Identity: SHA-256 of its content, in hex.

    The file itself is stored in the instance folder under its hash.
    """

    __tablename__ = "evidence"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    media_type: Mapped[str] = mapped_column(String(40))
    size: Mapped[int]
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"))
    created_by: Mapped[str] = mapped_column("by", String(40))
    created_at: Mapped[datetime] = mapped_column("at", default=now)


class CorrectionRequest(Base):
    """A person's report of an error in their archive or ledger data, and the office's answer. Identity: `id`."""

    __tablename__ = "correction_request"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    entry_id: Mapped[int | None] = mapped_column(ForeignKey("archive_entry.id"))
    text: Mapped[str] = mapped_column(String(300))
    created_at: Mapped[datetime] = mapped_column("made_at", default=now)
    accepted: Mapped[bool | None]
    answer: Mapped[str | None] = mapped_column(String(300))
    decided_by: Mapped[str | None] = mapped_column(String(40))
    decided_at: Mapped[datetime | None]


def effective() -> ColumnElement[bool]:
    """SQL: entries that count, neither voided nor voidings."""
    voiding = aliased(ArchiveEntry)
    voided = select(voiding.id).where(voiding.voids_id == ArchiveEntry.id).exists()
    return (ArchiveEntry.kind != "void") & ~voided
