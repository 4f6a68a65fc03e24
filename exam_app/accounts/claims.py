"""Self-service account opening with activation codes that offices hand out on paper. No text message is sent."""

from __future__ import annotations

import hmac
import secrets
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_app.identity.models import Account, Activation
from exam_app.identity.service import (
    SignInRefused,
    check_password_rules,
    count_failure,
    create_account,
    refuse_blocked,
    throttle_keys,
)
from question_bank.clean import clean_code, clean_phone
from training_records.certificates.service import ALPHABET
from training_records.database import now
from training_records.divisions import full_name, prefix_of, within
from training_records.errors import Refused
from training_records.ledger.models import Person, Post
from training_records.ledger.service import current_post, in_post_on

LENGTH, VALID = 8, timedelta(days=60)
MAX_SLIPS = 400


class Slip(NamedTuple):
    """The fields of one printed slip."""

    name: str
    place: str
    phone: str
    code: str


def make_slips(session: Session, code: str, today: date, *, key: str, by: str) -> list[Slip]:
    """Creates activation codes for everyone in post in a division without an account. Replaces earlier codes.
    Raises `Refused` if there is nobody, or more than `MAX_SLIPS` people."""
    account = select(Account.id).where(Account.person_id == Person.id)
    rows = session.execute(
        select(Person, Post.division_code)
        .join(Post, Post.person_id == Person.id)
        .where(within(Post.division_code, prefix_of(code)), in_post_on(today), ~account.exists())
        .order_by(Post.division_code, Person.id)
        .limit(MAX_SLIPS + 1)
    ).all()
    people = {person.id: (person, village) for person, village in rows}
    if not people:
        raise Refused("这里在任的人都已开通账号，不用打印")
    if len(people) > MAX_SLIPS:
        raise Refused(f"一次最多打印 {MAX_SLIPS} 张。请先选一个镇（街）")
    slips = []
    for person, village in people.values():
        secret = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        session.merge(
            Activation(
                person_id=person.id,
                code_digest=_digest(secret, key),
                created_by=by,
                created_at=now(),
                expires_at=now() + VALID,
            )
        )
        spaced = f"{secret[:4]}-{secret[4:]}"
        slips.append(Slip(person.name, full_name(session, village), person.phone, spaced))
    session.flush()
    return slips


def claim(
    session: Session, phone: str, code: str, *, password: str, address: str, key: str, today: date
) -> Account:
    """Opens the account of the person with this phone number. Raises `SignInRefused` for a wrong or expired code and
    counts it as a failed sign-in, which the caller commits. Raises `Refused` for somebody not in post and for a
    password that breaks the rules."""
    phone = clean_phone(phone)
    moment, keys = now(), throttle_keys(phone, address)
    refuse_blocked(session, keys, moment)
    person = session.scalar(select(Person).where(Person.phone == phone))
    activation = session.get(Activation, person.id) if person else None
    given = _digest(clean_code(code).replace("-", "").upper(), key)
    matches = hmac.compare_digest(activation.code_digest if activation else "", given)
    if person is None or activation is None or not matches or activation.expires_at < moment:
        count_failure(session, keys, moment)
        raise SignInRefused(
            "手机号或开通码不对，或开通码过了 60 天。请照纸上的核对；还不行就找区（市）民政部门重打一张"
        )
    post = current_post(session, person.id, today)
    if post is None:
        raise Refused("您现在没有任职，不能开通账号。请联系区（市）民政部门")
    check_password_rules(password, phone)
    account, _ = create_account(
        session,
        person.phone,
        person.name,
        role=post.role,
        division_code=post.division_code,
        person_id=person.id,
        password=password,
    )
    account.must_change_password = False
    session.delete(activation)
    session.flush()
    return account


def _digest(code: str, key: str) -> str:
    return hmac.digest(b"activation:" + key.encode(), code.encode(), "sha256").hex()
