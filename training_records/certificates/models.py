"""Tables of the certificates."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from training_records.database import Base, now


class CertificateTemplate(Base):
    """The wording of a kind of certificate, and the prefix of its numbers. Identity: `id`.

    `body` holds the placeholders {holder}, {place} and {title}. `valid_months`: period of validity; empty: unlimited.
    """

    __tablename__ = "certificate_template"

    id: Mapped[int] = mapped_column(primary_key=True)
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"), index=True)
    name: Mapped[str] = mapped_column(String(20))
    heading: Mapped[str] = mapped_column(String(30))
    body: Mapped[str] = mapped_column(String(200))
    prefix: Mapped[str] = mapped_column(String(6))
    valid_months: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column("made_at", default=now)


class Certificate(Base):
    """A certificate as issued. Identity: `no`, whose random part can't be guessed. An entry has at most one certificate
    that is not void."""

    __tablename__ = "certificate"
    __table_args__ = (
        Index(
            "uq_certificate_entry",
            "entry_id",
            unique=True,
            sqlite_where=text("voided_at IS NULL"),
            postgresql_where=text("voided_at IS NULL"),
        ),
    )

    no: Mapped[str] = mapped_column(String(40), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("archive_entry.id"))
    # Empty: the certificate of a passed exam.
    template_id: Mapped[int | None] = mapped_column(ForeignKey("certificate_template.id"))
    holder: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(100))
    organiser: Mapped[str] = mapped_column(String(60))
    issued_on: Mapped[date]
    valid_until: Mapped[date | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    voided_at: Mapped[datetime | None]
    void_reason: Mapped[str | None] = mapped_column(String(200))
    # Number of the certificate that replaces this one.
    replaced_by: Mapped[str | None] = mapped_column(String(40))
