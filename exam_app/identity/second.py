"""Two-step verification: a code from an authenticator (TOTP, RFC 6238), or a recovery code."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import pyotp
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from exam_app.core.sealing import Seal
from exam_app.identity import security_keys
from exam_app.identity.hashing import hash_password, verify
from exam_app.identity.models import Account, RecoveryCode, SecondStep
from training_records.certificates.service import ALPHABET
from training_records.database import now
from training_records.errors import Refused

ISSUER = "儿童主任学堂"
# Accept one step either way: clocks may be off by half a minute, or the code may just have changed.
INTERVAL, AROUND = 30, 1
RECOVERY_CODES, RECOVERY_LENGTH = 10, 10
# Whether two-step verification is on; in an outer join false when there is no row.
IS_ON = SecondStep.confirmed_at.is_not(None)


def is_on(session: Session, account_id: int) -> bool:
    """Whether an account has two-step verification on."""
    return bool(session.scalar(select(IS_ON).where(SecondStep.account_id == account_id)))


def begin(session: Session, account: Account, seal: Seal) -> str:
    """Starts the set-up: returns the secret awaiting confirmation, a new one unless one is pending."""
    row = session.get(SecondStep, account.id)
    if row is not None and row.confirmed_at is not None:
        raise Refused("两步登录已经开着。要换手机，请先关掉再重新设置")
    if row is None:
        row = SecondStep(account_id=account.id, secret=seal.close(pyotp.random_base32()))
        session.add(row)
        session.flush()
    return seal.open(row.secret)


def address_of(account: Account, secret: str) -> str:
    """The otpauth:// URI for the authenticator's QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=account.phone, issuer_name=ISSUER)


def confirm(session: Session, account: Account, code: str, *, seal: Seal) -> list[str]:
    """Switches two-step verification on with a first valid code; the recovery codes, shown only once."""
    row = session.get(SecondStep, account.id)
    if row is None or row.confirmed_at is not None:
        raise Refused("请先扫二维码，再填验证码")
    step = _step(seal.open(row.secret), code)
    if step is None:
        raise Refused("验证码不对。请看手机上现在的 6 位数字，再填一次；手机时间要准")
    row.confirmed_at, row.last_step = now(), step
    return new_recovery_codes(session, account)


def new_recovery_codes(session: Session, account: Account) -> list[str]:
    """`RECOVERY_CODES` new single-use codes; earlier ones become invalid."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account.id))
    codes = [
        "".join(secrets.choice(ALPHABET) for _ in range(RECOVERY_LENGTH))
        for _ in range(RECOVERY_CODES)
    ]
    session.add_all(
        RecoveryCode(digest=hash_password(code), account_id=account.id) for code in codes
    )
    session.flush()
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def codes_left(session: Session, account_id: int) -> int:
    """The number of unused recovery codes."""
    return len(_unused(session, account_id))


def _unused(session: Session, account_id: int) -> Sequence[str]:
    query = select(RecoveryCode.digest).where(
        RecoveryCode.account_id == account_id, RecoveryCode.used_at.is_(None)
    )
    return session.scalars(query).all()


def passes(session: Session, account_id: int, code: str, *, seal: Seal) -> bool:
    """Whether a code is valid now.

    Each code is accepted once, also when two requests race: the conditional update decides.
    """
    row = session.get(SecondStep, account_id)
    if row is None or row.confirmed_at is None:
        return False
    text = "".join(code.split()).replace("-", "").upper()
    step = _step(seal.open(row.secret), text)
    if step is not None:
        accepted: object = session.execute(
            update(SecondStep)
            .where(SecondStep.account_id == account_id, SecondStep.last_step < step)
            .values(last_step=step)
        )
        return bool(getattr(accepted, "rowcount", 0))
    if len(text) != RECOVERY_LENGTH:
        return False
    digest = next((d for d in _unused(session, account_id) if verify(d, text)), None)
    used: object = session.execute(
        update(RecoveryCode)
        .where(RecoveryCode.digest == digest, RecoveryCode.used_at.is_(None))
        .values(used_at=now())
    )
    return bool(getattr(used, "rowcount", 0))


def switch_off(session: Session, account_id: int) -> None:
    """Removes the second step with its recovery codes and security keys."""
    security_keys.remove_all(session, account_id)
    session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))
    session.execute(delete(SecondStep).where(SecondStep.account_id == account_id))


def _step(secret: str, code: str) -> int | None:
    """The time step of a code, None when it is not valid now."""
    if not (code.isascii() and code.isdecimal() and len(code) == 6):
        return None
    totp, current = pyotp.TOTP(secret, interval=INTERVAL), int(now().timestamp()) // INTERVAL
    for step in range(current - AROUND, current + AROUND + 1):
        if secrets.compare_digest(totp.generate_otp(step), code):
            return step
    return None
