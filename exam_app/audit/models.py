"""Table of the audit log."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from training_records.database import Base, Json, now


class AuditEntry(Base):
    """Who did what to what, when. Append-only, hash-chained. Identity: `seq`."""

    __tablename__ = "audit_entry"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    created_at: Mapped[datetime] = mapped_column("at", default=now)
    created_by: Mapped[str] = mapped_column("actor", String(40))
    scope: Mapped[str] = mapped_column(String(12))
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(80))
    detail: Mapped[dict[str, object] | None] = mapped_column(Json)
    request_id: Mapped[str | None] = mapped_column(String(36))
    # Partition key on PostgreSQL, together with `scope` (compare `PartitionKey`).
    year: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))

    def content(self) -> dict[str, object]:
        return {
            "at": self.created_at,
            "actor": self.created_by,
            "scope": self.scope,
            "action": self.action,
            "subject": self.subject,
            "detail": self.detail,
            "request_id": self.request_id,
        }
