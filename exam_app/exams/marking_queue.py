"""The marking queue: written answers one at a time, without name or village."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_app.exams.invigilation import attempt_within
from exam_app.exams.marking import answers_of, human_share, marks_of
from exam_app.exams.models import Attempt, Exam, Mark
from exam_app.exams.results import finish
from exam_app.exams.slots import slots_of
from question_bank.question import ShortAnswer, SubShortAnswer
from training_records.database import now
from training_records.errors import Refused
from training_records.ledger.service import ids_in

STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class UnmarkedAnswer:
    """One written answer awaiting a mark.

    `question`: with model answer and rubric; `marks`: how many marks it has (their values stay
    hidden).
    """

    attempt_id: int
    slot: str
    question: ShortAnswer | SubShortAnswer
    text: str | None
    response: str
    marks: int


def unmarked_answers(
    session: Session, exam: Exam, prefix: str, *, account_id: int
) -> Iterator[UnmarkedAnswer]:
    """The answers this account may mark now, earliest submission first."""
    query = (
        select(Attempt)
        .where(Attempt.exam_id == exam.id, Attempt.state == "submitted")
        .where(Attempt.person_id.in_(ids_in(prefix)))
        .order_by(Attempt.submitted_at, Attempt.id)
    )
    for attempt in session.scalars(query):
        yield from _open_in(session, attempt, account_id)


def _open_in(session: Session, attempt: Attempt, account_id: int) -> Iterator[UnmarkedAnswer]:
    """The answers of one attempt that this account may mark now."""
    if attempt.state != "submitted":
        return
    answers, marks = answers_of(session, attempt.id), marks_of(session, attempt.id)
    for attempt_slot in slots_of(attempt):
        question = attempt_slot.question
        if question.type != "short_answer" or attempt_slot.id not in answers:
            continue
        response, slot_marks = answers[attempt_slot.id].response, marks.get(attempt_slot.id, [])
        decided = human_share(slot_marks, attempt.exam.double_marking) is not None
        if response is None or decided or any(m.account_id == account_id for m in slot_marks):
            continue
        yield UnmarkedAnswer(
            attempt.id,
            attempt_slot.id,
            question,
            attempt_slot.text,
            str(response),
            len(slot_marks),
        )


def record_mark(
    session: Session,
    exam: Exam,
    prefix: str,
    *,
    attempt_id: int,
    slot: str,
    account_id: int,
    share: float,
    comment: str,
    zone: ZoneInfo,
) -> None:
    """Records one account's mark for an answer; the last one needed completes the attempt's marking.

    `Refused` when the answer no longer needs a mark by this account.
    """
    if share not in STEPS:
        raise Refused("请选一个得分比例")
    attempt = attempt_within(session, attempt_id, prefix)
    in_exam = attempt.exam_id == exam.id
    if not in_exam or all(
        unmarked.slot != slot for unmarked in _open_in(session, attempt, account_id)
    ):
        raise Refused("这一题已经评过了，请看下一题")
    session.add(
        Mark(
            attempt_id=attempt_id,
            slot=slot,
            account_id=account_id,
            share=Decimal(str(share)),
            comment=comment.strip()[:200] or None,
            marked_at=now(),
        )
    )
    session.flush()
    finish(session, attempt, now(), zone=zone)
