"""The satisfaction of those served: codes on paper, one answer each, nobody named, few answers not shown.

What is shown for a director is drawn towards the mean of the district: (n × own mean + 10 × mean of the district) ÷
(n + 10), so that a handful of answers says less than many.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from training_records.divisions import get_within, within
from training_records.errors import NotFound, Refused
from training_records.work.models import (
    SatisfactionAnswer,
    SatisfactionRound,
    SatisfactionTicket,
)
from training_records.work.service import caseload, villages_of

QUESTIONS = {
    "visits": "儿童主任来看孩子、和您联系的次数够不够",
    "help": "有困难的时候,儿童主任帮得上忙吗",
    "manner": "儿童主任对孩子和您的态度怎么样",
}
MARKS = {5: "很满意", 4: "满意", 3: "一般", 2: "不太满意", 1: "不满意"}
MIN_ANSWERS, TARGET_ANSWERS = 5, 10
# As many tickets as children in the caseload, within bounds: nobody can stuff a box with more.
MIN_TICKETS, MAX_TICKETS = 8, 40
_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


def open_round(
    session: Session, division_code: str, year: int, closes_on: date, by: str, today: date
) -> SatisfactionRound:
    """A new survey. `Refused` while one of the year is open."""
    if not today < closes_on <= today + timedelta(days=92):
        raise Refused("截止日期要在三个月以内")
    there = session.scalar(
        select(SatisfactionRound.id).where(
            SatisfactionRound.division_code == division_code,
            SatisfactionRound.year == year,
            SatisfactionRound.closes_on >= today,
        )
    )
    if there:
        raise Refused("今年的满意度调查正在进行")
    row = SatisfactionRound(
        division_code=division_code, year=year, closes_on=closes_on, created_by=by
    )
    session.add(row)
    session.flush()
    return row


def get_round(session: Session, round_id: int, prefix: str) -> SatisfactionRound:
    """A survey of an office in the scope, or NotFound."""
    return get_within(session, SatisfactionRound, round_id, prefix, "这次调查")


def rounds_in(session: Session, prefix: str) -> list[SatisfactionRound]:
    """The surveys of offices in a division, latest first."""
    query = select(SatisfactionRound).where(within(SatisfactionRound.division_code, prefix))
    return list(session.scalars(query.order_by(SatisfactionRound.id.desc()).limit(50)))


def _digest(token: str) -> str:
    plain = token.strip().upper().replace("-", "").replace(" ", "")
    return hashlib.sha256(plain.encode()).hexdigest()


def issue(session: Session, round_: SatisfactionRound, person_id: int, today: date) -> list[str]:
    """The codes for one director, as many as children in the caseload of their villages; those of before that were not
    used end. They are told once, on paper."""
    if today > round_.closes_on:
        raise Refused("调查已经截止")
    children = len(caseload(session, villages_of(session, person_id, today), today))
    wanted = min(max(children, MIN_TICKETS), MAX_TICKETS)
    session.execute(
        delete(SatisfactionTicket).where(
            SatisfactionTicket.round_id == round_.id,
            SatisfactionTicket.person_id == person_id,
            SatisfactionTicket.used.is_(False),
        )
    )
    used = session.scalar(
        select(func.count()).where(
            SatisfactionTicket.round_id == round_.id, SatisfactionTicket.person_id == person_id
        )
    )
    tokens = [
        "".join(secrets.choice(_LETTERS) for _ in range(10)) for _ in range(wanted - (used or 0))
    ]
    session.add_all(
        SatisfactionTicket(digest=_digest(t), round_id=round_.id, person_id=person_id)
        for t in tokens
    )
    session.flush()
    return tokens


def ticket_of(
    session: Session, token: str, today: date
) -> tuple[SatisfactionTicket, SatisfactionRound]:
    """An unused ticket of an open survey, or NotFound: a used one and one that never was look the same."""
    row = session.get(SatisfactionTicket, _digest(token)) if len(token) <= 40 else None
    if row is not None and not row.used:
        round_ = session.get_one(SatisfactionRound, row.round_id)
        if today <= round_.closes_on:
            return row, round_
    raise NotFound("这个码不对、用过了,或调查已经结束")


def take(session: Session, token: str, marks: Mapping[str, int], today: date) -> None:
    """Takes an answer, once a ticket, also when it is sent twice at the same moment."""
    row, round_ = ticket_of(session, token, today)
    if set(marks) != set(QUESTIONS) or any(m not in MARKS for m in marks.values()):
        raise Refused("请每一题都选一个")
    won = session.execute(
        update(SatisfactionTicket)
        .where(SatisfactionTicket.digest == row.digest, SatisfactionTicket.used.is_(False))
        .values(used=True)
        .returning(SatisfactionTicket.digest)
    ).first()
    if won is None:
        raise NotFound("这个码不对、用过了,或调查已经结束")
    session.add(
        SatisfactionAnswer(
            key=secrets.token_hex(16), round_id=round_.id, person_id=row.person_id, **marks
        )
    )
    session.flush()


@dataclass(frozen=True)
class Satisfaction:
    """A director: answers, their mean, and the mean drawn towards the district's (None below five answers)."""

    answers: int
    mean: Decimal | None
    shown: Decimal | None


def satisfaction_in(session: Session, prefix: str, year: int) -> dict[int, Satisfaction]:
    """Every director with answers in the surveys of a year, by district."""
    query = (
        select(
            SatisfactionRound.division_code,
            SatisfactionAnswer.person_id,
            func.count(),
            func.sum(
                SatisfactionAnswer.visits + SatisfactionAnswer.help + SatisfactionAnswer.manner
            ),
        )
        .join(SatisfactionRound, SatisfactionRound.id == SatisfactionAnswer.round_id)
        .where(within(SatisfactionRound.division_code, prefix), SatisfactionRound.year == year)
        .group_by(SatisfactionRound.division_code, SatisfactionAnswer.person_id)
    )
    rows = session.execute(query).all()
    whole: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for district, _, count, total in rows:
        whole[district][0] += count
        whole[district][1] += int(total)
    found: dict[int, Satisfaction] = {}
    for district, person, count, total in rows:
        mean = Fraction(int(total), 3 * count)
        district_mean = Fraction(whole[district][1], 3 * whole[district][0])
        shrunk = (count * mean + TARGET_ANSWERS * district_mean) / (count + TARGET_ANSWERS)
        enough = count >= MIN_ANSWERS
        found[person] = Satisfaction(
            count, _two(mean) if enough else None, _two(shrunk) if enough else None
        )
    return found


def _two(value: Fraction) -> Decimal:
    return (Decimal(value.numerator) / value.denominator).quantize(Decimal("0.01"), ROUND_HALF_UP)
