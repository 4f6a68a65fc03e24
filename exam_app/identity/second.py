"""The second step of signing in: a code from an authenticator (TOTP, RFC 6238), or a recovery code from paper."""

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
# A clock may be half a minute off, and the last code may just have changed.
INTERVAL, AROUND = 30, 1
RECOVERY_CODES, RECOVERY_LENGTH = 10, 10
# Whether it is asked for; in an outer join false where there is none.
IS_ON = SecondStep.confirmed_at.is_not(None)


def is_on(session: Session, account_id: int) -> bool:
    """Whether an account asks for a second step."""
    return bool(session.scalar(select(IS_ON).where(SecondStep.account_id == account_id)))


def begin(session: Session, account: Account, seal: Seal) -> str:
    """A new secret that waits to be confirmed; one that waits already stays."""
    row = session.get(SecondStep, account.id)
    if row is not None and row.confirmed_at is not None:
        raise Refused("两步登录已经开着。要换手机,请先关掉再重新设置")
    if row is None:
        row = SecondStep(account_id=account.id, secret=seal.close(pyotp.random_base32()))
        session.add(row)
        session.flush()
    return seal.open(row.secret)


def address_of(account: Account, secret: str) -> str:
    """What the QR code for the authenticator says (otpauth://…)."""
    return pyotp.TOTP(secret).provisioning_uri(name=account.phone, issuer_name=ISSUER)


def confirm(session: Session, account: Account, code: str, seal: Seal) -> list[str]:
    """Switches the second step on with a first right code; the recovery codes, which are shown once."""
    row = session.get(SecondStep, account.id)
    if row is None or row.confirmed_at is not None:
        raise Refused("请先扫二维码,再填验证码")
    step = _step(seal.open(row.secret), code)
    if step is None:
        raise Refused("验证码不对。请看手机上现在的 6 位数字,再填一次;手机时间要准")
    row.confirmed_at, row.last_step = now(), step
    return new_recovery_codes(session, account)


def new_recovery_codes(session: Session, account: Account) -> list[str]:
    """Ten codes for when the phone is gone, each once; earlier ones no longer hold."""
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
    """How many recovery codes are unused."""
    return len(_unused(session, account_id))


def _unused(session: Session, account_id: int) -> Sequence[str]:
    query = select(RecoveryCode.digest).where(
        RecoveryCode.account_id == account_id, RecoveryCode.used_at.is_(None)
    )
    return session.scalars(query).all()


def passes(session: Session, account_id: int, code: str, seal: Seal) -> bool:
    """Whether a code is right now. Each holds once, also when two come at the same moment."""
    row = session.get(SecondStep, account_id)
    if row is None or row.confirmed_at is None:
        return False
    text = "".join(code.split()).replace("-", "").upper()
    step = _step(seal.open(row.secret), text)
    if step is not None:
        taken: object = session.execute(
            update(SecondStep)
            .where(SecondStep.account_id == account_id, SecondStep.last_step < step)
            .values(last_step=step)
        )
        return bool(getattr(taken, "rowcount", 0))
    if len(text) != RECOVERY_LENGTH:
        return False
    right = next((d for d in _unused(session, account_id) if verify(d, text)), None)
    used: object = session.execute(
        update(RecoveryCode)
        .where(RecoveryCode.digest == right, RecoveryCode.used_at.is_(None))
        .values(used_at=now())
    )
    return bool(getattr(used, "rowcount", 0))


def switch_off(session: Session, account_id: int) -> None:
    """Takes the second step away, recovery codes and keys with it."""
    security_keys.remove_all(session, account_id)
    session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))
    session.execute(delete(SecondStep).where(SecondStep.account_id == account_id))


def _step(secret: str, code: str) -> int | None:
    """The time step that a code belongs to, None where it is none of now."""
    if not (code.isascii() and code.isdecimal() and len(code) == 6):
        return None
    totp, current = pyotp.TOTP(secret, interval=INTERVAL), int(now().timestamp()) // INTERVAL
    for step in range(current - AROUND, current + AROUND + 1):
        if secrets.compare_digest(totp.generate_otp(step), code):
            return step
    return None
