"""The verbs of the accounts: create, sign in, sign out, change and reset passwords."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

import structlog
from sqlalchemy import bindparam, delete, or_, select
from sqlalchemy.orm import Session, joinedload

from exam_app.core.rows import rows_changed
from exam_app.core.sealing import Seal
from exam_app.identity import second, security_keys
from exam_app.identity.hashing import hash_password, outdated, verify
from exam_app.identity.models import (
    ROLES,
    Account,
    ApiToken,
    LoginSession,
    SecondStep,
    Throttle,
)
from exam_app.identity.security_keys import Site
from question_bank.clean import clean_phone, clean_search
from training_records.choices import choice
from training_records.database import insert_missing, now, read_only
from training_records.divisions import get_division, within
from training_records.errors import NotFound, Refused
from training_records.ledger.values import phone as parse_phone

log = structlog.get_logger()
SESSION_LENGTH = timedelta(days=14)
FREE_FAILURES = {"phone": 5, "address": 30, "code": 5}
DELAY = timedelta(seconds=30)
MAX_DELAY = timedelta(minutes=15)
FORGET_AFTER = timedelta(hours=12)
MIN_PASSWORD = 8


class SignInRefused(Refused):
    """Wrong credentials or too many attempts; the message is the same whether or not the phone exists."""


class CodeNeeded(Refused):
    """The password was right; the second step is still required."""

    def __init__(self, account_id: int) -> None:
        super().__init__("还要填手机上的验证码")
        self.account_id = account_id


class Device(NamedTuple):
    """The client of a sign-in: a short description of the browser, and its address."""

    name: str = ""
    address: str = ""


NOWHERE = Device()


@lru_cache
def _dummy_hash() -> str:
    return hash_password(secrets.token_hex(8))


@lru_cache
def common_passwords() -> frozenset[str]:
    """Common passwords: some 30,000 leaked ones (11,600 of them long enough), and a local list.

    The local list holds passwords typical of this country and profession.
    """
    # Imported late: the lists are large and only needed when a password is set.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    local = files("exam_app.identity").joinpath("common_passwords.txt").read_text().split()
    return frozenset(local) | frozenset(FREQUENCY_LISTS["passwords"])


def check_password_rules(password: str, phone: str) -> None:
    """Refused when too short, too long, common, of at most two distinct characters, or containing the phone."""
    if len(password) < MIN_PASSWORD:
        raise Refused(f"新密码只有 {len(password)} 位，至少要 {MIN_PASSWORD} 位")
    if len(password) > 128:
        raise Refused("新密码太长，最多 128 位")
    folded = password.lower()
    if phone in password or (len(phone) >= 8 and phone[-8:] in password):
        raise Refused("密码里不要有手机号，请换一个")
    if folded in common_passwords() or len(set(folded)) <= 2:
        raise Refused("这个密码太常见，容易被猜到，请换一个，例如三个不相干的词连起来")


def create_account(
    session: Session,
    phone: str,
    name: str,
    *,
    role: str,
    division_code: str,
    person_id: int | None = None,
    password: str | None = None,
) -> tuple[Account, str]:
    """Returns a new account and its initial password, which must be changed at first sign-in."""
    try:
        phone = parse_phone(phone)
    except ValueError as error:
        raise Refused(str(error)) from None
    known_role = choice(ROLES, role, f"没有“{role}”这种角色，可用：{'、'.join(ROLES)}")
    get_division(session, division_code)
    if session.scalar(select(Account.id).where(Account.phone == phone)):
        raise Refused("这个手机号已经开通账号")
    initial = password or new_initial_password()
    account = Account(
        phone=phone,
        name=name,
        role=known_role,
        division_code=division_code,
        person_id=person_id,
        password_hash=hash_password(initial),
    )
    session.add(account)
    session.flush()
    return account, initial


def claimed(session: Session, people: Iterable[int]) -> set[int]:
    """Those of `people` who have an account."""
    query = select(Account.person_id).where(Account.person_id.in_(list(people)))
    return {person for person in session.scalars(query) if person is not None}


def new_initial_password() -> str:
    """Ten random characters that are easy to read aloud."""
    return "".join(secrets.choice("23456789abcdefghjkmnpqrstuvwxyz") for _ in range(10))


# Hot path of sign-in: build the statements once, bind parameters per call.
_PASSWORD = select(Account.id, Account.password_hash).where(Account.phone == bindparam("phone"))
_ACCOUNT = (
    select(Account, second.IS_ON)
    .outerjoin(SecondStep, SecondStep.account_id == Account.id)
    .where(Account.id == bindparam("id"))
)
_THROTTLES = select(Throttle).where(Throttle.key.in_(bindparam("keys", expanding=True)))


def sign_in(session: Session, phone: str, password: str, *, device: Device) -> tuple[Account, str]:
    """Returns the account and a new session token. `SignInRefused` otherwise; failures are counted.

    `CodeNeeded` when the account has two-step verification: `enter_code` completes the sign-in.

    The caller commits in every case, so that a refused attempt is counted. No lock or connection is
    held while the password is checked, so that a burst of sign-ins doesn't block saves.
    `HashingBusy` when the queue of password checks is full.
    """
    at, phone = now(), clean_phone(phone)
    keys = throttle_keys(phone, device.address)
    session.rollback()
    read_only(session)
    blocked = refuse_blocked(session, keys, at)
    credentials = session.execute(_PASSWORD, {"phone": phone}).one_or_none()
    session.rollback()
    matches = verify(credentials.password_hash if credentials else _dummy_hash(), password)
    row = (
        session.execute(_ACCOUNT, {"id": credentials.id}).one_or_none()
        if matches and credentials
        else None
    )
    account, two_steps = row or (None, False)
    if not (account and account.active):
        count_failure(session, keys, at)
        log.info(
            "sign_in", account=credentials.id if credentials else None, outcome="wrong_password"
        )
        raise SignInRefused("手机号或密码不对，请检查后再试。忘记密码请找区（市）民政部门重设")
    if keys[0] in blocked:
        unlock(session, phone)
    if outdated(account.password_hash):
        account.password_hash = hash_password(password)
    if two_steps:
        log.info("sign_in", account=account.id, outcome="code_needed")
        raise CodeNeeded(account.id)
    log.info("sign_in", account=account.id, outcome="ok", factors=1)
    return account, open_session(session, account, device)


def enter_code(
    session: Session, account_id: int, code: str, *, seal: Seal, device: Device
) -> tuple[Account, str]:
    """The second step: returns the account and a new session token.

    `SignInRefused` for a wrong code; failures are counted by account and by address.
    """
    wrong = "验证码不对，或已经用过。请看手机上现在的 6 位数字，再填一次"
    return _second(
        session,
        account_id,
        lambda: second.passes(session, account_id, code, seal=seal),
        wrong=wrong,
        device=device,
    )


def enter_key(
    session: Session, account_id: int, site: Site, *, challenge: str, answer: object, device: Device
) -> tuple[Account, str]:
    """Like `enter_code`, with the response of a security key."""

    def right() -> bool:
        on = second.is_on(session, account_id)
        return on and security_keys.passes(
            session, account_id, site, challenge=challenge, answer=answer
        )

    return _second(
        session,
        account_id,
        right,
        wrong="这台设备没有认出来，请再试一次，或填验证码",
        device=device,
    )


def _second(
    session: Session, account_id: int, right: Callable[[], bool], *, wrong: str, device: Device
) -> tuple[Account, str]:
    at = now()
    keys = [f"code:{account_id}", f"address:{device.address}"]
    blocked = refuse_blocked(session, keys, at)
    account = session.get(Account, account_id)
    if account is None or not account.active or not right():
        count_failure(session, keys, at)
        log.info("sign_in", account=account_id, outcome="wrong_code")
        raise SignInRefused(wrong)
    if keys[0] in blocked:
        session.execute(delete(Throttle).where(Throttle.key == keys[0]))
    log.info("sign_in", account=account.id, outcome="ok", factors=2)
    return account, open_session(session, account, device)


def throttle_keys(phone: str, address: str) -> list[str]:
    """The keys by which failed sign-ins are counted."""
    return [f"phone:{phone[:11]}", f"address:{address}"]


def count_failure(session: Session, keys: Sequence[str], at: datetime) -> None:
    """Counts a failure for each key; beyond a limit the key is blocked for a growing time."""
    for key in keys:
        insert_missing(session, Throttle, key=key, failures=0, last_at=at)
    locked = (
        select(Throttle)
        .where(Throttle.key.in_(keys))
        .order_by(Throttle.key)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for throttle in session.scalars(locked):
        _count_failure(throttle, at)


def refuse_blocked(session: Session, keys: Sequence[str], at: datetime) -> list[str]:
    """`SignInRefused` while a key is blocked; else returns the keys that have failures."""
    throttles = list(session.scalars(_THROTTLES, {"keys": list(keys)}))
    waits = [t.blocked_until - at for t in throttles if t.blocked_until and t.blocked_until > at]
    if waits:
        wait = _duration(int(max(waits).total_seconds()) + 1)
        log.info("sign_in", outcome="blocked")
        raise SignInRefused(
            f"密码输错次数太多，请等 {wait}后再试。忘记密码请找区（市）民政部门重设"
        )
    return [throttle.key for throttle in throttles]


def open_session(session: Session, account: Account, device: Device = NOWHERE) -> str:
    """Opens a session for an account and returns its token."""
    token = secrets.token_urlsafe(32)
    session.add(
        LoginSession(
            token_hash=token_hash(token),
            account_id=account.id,
            expires_at=now() + SESSION_LENGTH,
            device=device.name[:40] or None,
            ip=device.address[:45] or None,
        )
    )
    session.flush()
    return token


def token_hash(token: str) -> str:
    """The stored hash of a session or API token."""
    return hashlib.sha256(token.encode()).hexdigest()


# Hot path, once per request: build the statement once, bind parameters per call.
_SIGNED_IN = (
    select(LoginSession)
    .where(
        LoginSession.token_hash == bindparam("hashed"), LoginSession.expires_at > bindparam("at")
    )
    .options(joinedload(LoginSession.account))
)


def find_session(session: Session, token: str) -> Account | None:
    """The account signed in with a token, None when the session has ended or the account is inactive."""
    row = session.scalar(_SIGNED_IN, {"hashed": token_hash(token), "at": now()})
    return row.account if row and row.account.active else None


def sign_out(session: Session, token: str) -> None:
    """Ends one session."""
    session.execute(delete(LoginSession).where(LoginSession.token_hash == token_hash(token)))


def sessions_of(session: Session, account_id: int) -> list[LoginSession]:
    """The open sessions of an account, latest first."""
    query = select(LoginSession).where(
        LoginSession.account_id == account_id, LoginSession.expires_at > now()
    )
    return list(session.scalars(query.order_by(LoginSession.created_at.desc())))


def end_sessions(session: Session, account_id: int, keep: str, *, handle: str = "") -> int:
    """Ends sessions of an account and returns how many.

    Ends those whose hash starts with `handle` (empty: all), except the one with hash `keep`.
    """
    query = delete(LoginSession).where(
        LoginSession.account_id == account_id, LoginSession.token_hash != keep
    )
    if handle:
        if len(handle) < 12 or not handle.isalnum():
            raise NotFound("没有这个登录")
        query = query.where(LoginSession.token_hash.startswith(handle, autoescape=True))
    return rows_changed(session, query)


def change_password(
    session: Session, account: Account, old: str, *, new: str, device: Device = NOWHERE
) -> str:
    """Sets a new password, ends all sessions and returns a token for a new one."""
    if not verify(account.password_hash, old):
        raise Refused("原密码不对，请再输一次")
    if new == old:
        raise Refused("新密码和原密码一样，请换一个")
    check_password_rules(new, account.phone)
    account.password_hash = hash_password(new)
    account.must_change_password = False
    session.execute(delete(LoginSession).where(LoginSession.account_id == account.id))
    return open_session(session, account, device)


def reset_password(session: Session, account: Account) -> str:
    """Sets a new initial password and returns it; ends sessions and tokens, lifts the block."""
    initial = new_initial_password()
    account.password_hash = hash_password(initial)
    account.must_change_password = True
    for table in (LoginSession, ApiToken):
        session.execute(delete(table).where(table.account_id == account.id))
    unlock(session, account.phone)
    return initial


def unlock(session: Session, phone: str) -> None:
    """Clears the failed sign-ins of a phone."""
    session.execute(delete(Throttle).where(Throttle.key == f"phone:{phone}"))


def get_account(session: Session, phone: str) -> Account:
    """The account with this phone, or NotFound."""
    account = session.scalar(select(Account).where(Account.phone == clean_phone(phone)))
    if account is None:
        raise NotFound("没有这个手机号的账号")
    return account


def find_account(session: Session, phone: str) -> Account | None:
    """The active account with this phone, if any."""
    return session.scalar(
        select(Account).where(Account.phone == clean_phone(phone), Account.active)
    )


def search_accounts(
    session: Session, prefix: str, roles: Sequence[str], *, text: str, limit: int = 50
) -> list[Account]:
    """Accounts of these roles in a division, by prefix of the phone or part of the name."""
    text = clean_search(text)
    query = select(Account).where(
        within(Account.division_code, prefix),
        Account.role.in_(roles),
        or_(
            Account.phone.startswith(text, autoescape=True),
            Account.name.contains(text, autoescape=True),
        ),
    )
    return list(session.scalars(query.order_by(Account.division_code, Account.name).limit(limit)))


def account_within(
    session: Session, account_id: int, prefix: str, *, roles: Sequence[str]
) -> Account:
    """An account of one of these roles in a division; NotFound otherwise, whether or not it exists."""
    account = session.get(Account, account_id)
    if account is None or account.role not in roles or not account.division_code.startswith(prefix):
        raise NotFound("没有这个账号，或不在您的管理范围内")
    return account


def account_names(session: Session, ids: Iterable[int]) -> dict[int, str]:
    """Names by account."""
    rows = session.execute(select(Account.id, Account.name).where(Account.id.in_(list(ids))))
    return {number: name for number, name in rows}


def _count_failure(throttle: Throttle, at: datetime) -> None:
    if at - throttle.last_at > FORGET_AFTER:
        throttle.failures = 0
    throttle.failures += 1
    throttle.last_at = at
    over = throttle.failures - FREE_FAILURES[throttle.key.split(":")[0]]
    if over >= 0:
        throttle.blocked_until = at + min(DELAY * 2 ** min(over, 10), MAX_DELAY)


def _duration(seconds: int) -> str:
    return f"{seconds} 秒" if seconds < 90 else f"{-(-seconds // 60)} 分钟"
