"""Satisfaction of those served: codes on paper, one answer each, anonymous, too few answers not shown.

The figure shown for a director is shrunk towards the mean of the district: (n × own mean + 10 × mean of the district) ÷
(n + 10), so that few answers weigh less than many.
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
    "help": "有困难的时候，儿童主任帮得上忙吗",
    "manner": "儿童主任对孩子和您的态度怎么样",
}
MARKS = {5: "很满意", 4: "满意", 3: "一般", 2: "不太满意", 1: "不满意"}
MIN_ANSWERS, TARGET_ANSWERS = 5, 10
# One ticket per child of the caseload, within these bounds, so that a ballot can't be stuffed.
MIN_TICKETS, MAX_TICKETS = 8, 40
_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


def open_round(
    session: Session, division_code: str, year: int, *, closes_on: date, by: str, today: date
) -> SatisfactionRound:
    """Opens a survey. Raises `Refused` while one of the year is open."""
    if not today < closes_on <= today + timedelta(days=92):
        raise Refused("截止日期要在三个月以内")
    open_id = session.scalar(
        select(SatisfactionRound.id).where(
            SatisfactionRound.division_code == division_code,
            SatisfactionRound.year == year,
            SatisfactionRound.closes_on >= today,
        )
    )
    if open_id:
        raise Refused("今年的满意度调查正在进行")
    row = SatisfactionRound(
        division_code=division_code, year=year, closes_on=closes_on, created_by=by
    )
    session.add(row)
    session.flush()
    return row


def get_round(session: Session, round_id: int, prefix: str) -> SatisfactionRound:
    """A survey by an office in the scope, or NotFound."""
    return get_within(session, SatisfactionRound, round_id, prefix=prefix, what="这次调查")


def rounds_in(session: Session, prefix: str) -> list[SatisfactionRound]:
    """The surveys by offices in a division, latest first."""
    query = select(SatisfactionRound).where(within(SatisfactionRound.division_code, prefix))
    return list(session.scalars(query.order_by(SatisfactionRound.id.desc()).limit(50)))


def _digest(token: str) -> str:
    plain = token.strip().upper().replace("-", "").replace(" ", "")
    return hashlib.sha256(plain.encode()).hexdigest()


def issue(session: Session, round_: SatisfactionRound, person_id: int, *, today: date) -> list[str]:
    """Issues the codes for one director, as many in total as there are children in the caseload of their villages.
    Earlier unused codes are revoked. Codes are returned only here, to be printed: just their hashes are stored."""
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
    """An unused ticket of an open survey. Raises NotFound otherwise, without telling a used code from an
    unknown one."""
    row = session.get(SatisfactionTicket, _digest(token)) if len(token) <= 40 else None
    if row is not None and not row.used:
        round_ = session.get_one(SatisfactionRound, row.round_id)
        if today <= round_.closes_on:
            return row, round_
    raise NotFound("这个码不对、用过了，或调查已经结束")


def take(session: Session, token: str, marks: Mapping[str, int], *, today: date) -> None:
    """Records an answer, once per ticket, safely under concurrency."""
    row, round_ = ticket_of(session, token, today)
    if set(marks) != set(QUESTIONS) or any(m not in MARKS for m in marks.values()):
        raise Refused("请每一题都选一个")
    claimed = session.execute(
        update(SatisfactionTicket)
        .where(SatisfactionTicket.digest == row.digest, SatisfactionTicket.used.is_(False))
        .values(used=True)
        .returning(SatisfactionTicket.digest)
    ).first()
    if claimed is None:
        raise NotFound("这个码不对、用过了，或调查已经结束")
    session.add(
        SatisfactionAnswer(
            key=secrets.token_hex(16), round_id=round_.id, person_id=row.person_id, **marks
        )
    )
    session.flush()


@dataclass(frozen=True)
class Satisfaction:
    """A director's number of answers, their mean, and the mean shrunk towards the district's (None below five
    answers)."""

    answers: int
    mean: Decimal | None
    shown: Decimal | None


def satisfaction_in(session: Session, prefix: str, year: int) -> dict[int, Satisfaction]:
    """Figures of every director with answers in the surveys of a year, shrunk by district."""
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
    by_district: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for district, _, count, total in rows:
        by_district[district][0] += count
        by_district[district][1] += int(total)
    by_person: dict[int, Satisfaction] = {}
    for district, person, count, total in rows:
        mean = Fraction(int(total), 3 * count)
        district_mean = Fraction(by_district[district][1], 3 * by_district[district][0])
        shrunk = (count * mean + TARGET_ANSWERS * district_mean) / (count + TARGET_ANSWERS)
        enough = count >= MIN_ANSWERS
        by_person[person] = Satisfaction(
            count,
            _two_decimals(mean) if enough else None,
            _two_decimals(shrunk) if enough else None,
        )
    return by_person


def _two_decimals(value: Fraction) -> Decimal:
    return (Decimal(value.numerator) / value.denominator).quantize(Decimal("0.01"), ROUND_HALF_UP)
