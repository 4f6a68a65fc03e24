"""What the server remembers of forms: the outcome of a one-time key, and what was typed when a sign-in had ended."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ForeignKey, Index, String, Text, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from training_records.database import Base, insert_missing, now

KEYS_LAST, TYPED_LASTS = timedelta(days=7), timedelta(hours=1)
MAX_KEY, MAX_TARGET, MAX_MESSAGE = 36, 500, 500
# Characters of one form, and forms of one account.
MAX_TYPED, MAX_KEPT = 200_000, 5


class FormKey(Base):
    """A form that was carried out, and where it led. Identity: the account and the key that its page carried."""

    __tablename__ = "form_key"

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(MAX_KEY), primary_key=True)
    target: Mapped[str] = mapped_column(String(MAX_TARGET), default="")
    message: Mapped[str] = mapped_column(String(MAX_MESSAGE), default="")
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)


class TypedForm(Base):
    """A form that came after its sign-in had ended, for its account to go on with. Identity: a random handle.

    `page`: path and query of the page it stood on; `action`: the path it was sent to; `sealed`: its fields, encrypted.
    """

    __tablename__ = "typed_form"
    __table_args__ = (Index("ix_typed_form_account_created", "account_id", "created_at"),)

    handle: Mapped[str] = mapped_column(String(32), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    page: Mapped[str] = mapped_column(String(MAX_TARGET))
    action: Mapped[str] = mapped_column(String(MAX_TARGET))
    sealed: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=now)


class Outcome(NamedTuple):
    """Where a form led, and what was said."""

    target: str
    message: str


def claim(session: Session, account_id: int, key: str) -> Outcome | None:
    """Takes a key for this transaction; returns the outcome when an earlier one has used it.

    A second request with the same key waits here until the first has ended; when that was refused, it takes its place.
    """
    values = {"target": "", "message": "", "created_at": now()}
    if insert_missing(session, FormKey, account_id=account_id, key=key, **values):
        return None
    row = session.get_one(FormKey, (account_id, key))
    return Outcome(row.target, row.message)


def settle(session: Session, account_id: int, key: str, *, outcome: Outcome) -> None:
    """Notes the outcome in the transaction that makes it."""
    row = session.get_one(FormKey, (account_id, key))
    row.target, row.message = outcome.target[:MAX_TARGET], outcome.message[:MAX_MESSAGE]


def keep(session: Session, account_id: int, page: str, *, action: str, sealed: str) -> str:
    """Keeps a form for an account, and only its latest; returns the handle."""
    handle = secrets.token_hex(16)
    session.add(
        TypedForm(handle=handle, account_id=account_id, page=page, action=action, sealed=sealed)
    )
    session.flush()
    kept = (
        select(TypedForm.handle)
        .where(TypedForm.account_id == account_id)
        .order_by(TypedForm.created_at.desc())
        .offset(MAX_KEPT)
    )
    surplus = list(session.scalars(kept))
    session.execute(delete(TypedForm).where(TypedForm.handle.in_(surplus)))
    return handle


def kept_form(session: Session, handle: str, account_id: int) -> TypedForm | None:
    """The kept form, for the account that typed it and as long as it lasts."""
    return session.scalar(
        select(TypedForm).where(
            TypedForm.handle == handle,
            TypedForm.account_id == account_id,
            TypedForm.created_at > now() - TYPED_LASTS,
        )
    )


def drop(session: Session, handle: str) -> None:
    """Forgets a kept form."""
    session.execute(delete(TypedForm).where(TypedForm.handle == handle))


def forget_old(session: Session) -> None:
    """Deletes keys and kept forms that have had their time."""
    session.execute(delete(FormKey).where(FormKey.created_at < now() - KEYS_LAST))
    session.execute(delete(TypedForm).where(TypedForm.created_at < now() - TYPED_LASTS))
