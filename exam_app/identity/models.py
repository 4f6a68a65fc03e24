"""Tables of the accounts."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from training_records.database import Base, now, one_of
from training_records.ledger.models import Person

AccountRole = Literal["director", "supervisor", "district", "city", "operator"]


class Account(Base):
    """An account that may sign in: one phone, one role, one scope. Identity: `id`; `phone` is unique."""

    __tablename__ = "account"
    __table_args__ = (one_of("role", AccountRole),)

    id: Mapped[int] = mapped_column(primary_key=True)
    phone: Mapped[str] = mapped_column(String(11), unique=True)
    name: Mapped[str] = mapped_column(String(40))
    password_hash: Mapped[str] = mapped_column(String(200))
    role: Mapped[AccountRole] = mapped_column(String(12))
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    must_change_password: Mapped[bool] = mapped_column(default=True)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=now)

    person: Mapped[Person | None] = relationship()


class LoginSession(Base):
    """One sign-in on one device. Identity: the hash of its random token.

    Signing out deletes the row, which invalidates copies of the cookie.
    """

    __tablename__ = "login_session"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    # Device description shown to the account's owner.
    device: Mapped[str | None] = mapped_column(String(40))
    ip: Mapped[str | None] = mapped_column(String(45))

    account: Mapped[Account] = relationship()


class SecondStep(Base):
    """The TOTP authenticator of an account. Identity: the account.

    `secret`: sealed. `last_step`: the time step of the last accepted code; a code can't be
    replayed.
    """

    __tablename__ = "second_step"

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    secret: Mapped[str] = mapped_column(String(200))
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)


class RecoveryCode(Base):
    """A single-use recovery code for a lost authenticator. Identity: its salted password hash."""

    __tablename__ = "recovery_code"

    digest: Mapped[str] = mapped_column(String(200), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    used_at: Mapped[datetime | None]


class SecurityKey(Base):
    """A WebAuthn credential on a computer, phone or security key, used as second step.

    Identity: the credential's id. `sign_count`: the authenticator's signature counter, where it has
    one.
    """

    __tablename__ = "security_key"

    credential_id: Mapped[str] = mapped_column("credential", String(1400), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    public_key: Mapped[str] = mapped_column(String(1400))
    name: Mapped[str] = mapped_column(String(40))
    sign_count: Mapped[int] = mapped_column("uses", BigInteger)
    created_at: Mapped[datetime] = mapped_column("made_at", default=now)
    used_at: Mapped[datetime | None]


class ApiToken(Base):
    """A token for scripts. Identity: its hash. `scope`: read or write."""

    __tablename__ = "api_token"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    name: Mapped[str] = mapped_column(String(40))
    scope: Mapped[str] = mapped_column(String(5))
    created_at: Mapped[datetime] = mapped_column("made_at", default=now)
    expires_at: Mapped[datetime]

    account: Mapped[Account] = relationship()


class Throttle(Base):
    """Failed sign-ins by one key: a phone, an address or a second step. Identity: `key`."""

    __tablename__ = "throttle"

    key: Mapped[str] = mapped_column(String(60), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    blocked_until: Mapped[datetime | None]
    last_at: Mapped[datetime] = mapped_column(default=now)


ROLES: dict[AccountRole, str] = {
    "director": "儿童主任",
    "supervisor": "儿童督导员",
    "district": "区（市）民政部门",
    "city": "市民政局",
    "operator": "系统管理员",
}


class Activation(Base):
    """A printed code with which a person opens their own account. Identity: the person.

    A new code replaces the old one.
    """

    __tablename__ = "activation"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    # A keyed digest: without the key, codes can't be brute-forced from a copy of the database.
    code_digest: Mapped[str] = mapped_column(String(64))
    created_by: Mapped[str] = mapped_column("by", String(40))
    created_at: Mapped[datetime] = mapped_column("made_at", default=now)
    expires_at: Mapped[datetime]
