"""Queries about a result (成绩复核): raised by the examinee, answered by the office."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_app.exams.models import Appeal, Attempt, Exam
from training_records.database import now
from training_records.errors import NotFound, Refused
from training_records.ledger.models import Person
from training_records.ledger.service import ids_in

# How long after submission a result may be queried.
OPEN_FOR = timedelta(days=30)


def appeals_of(session: Session, attempt_id: int) -> list[Appeal]:
    """The queries about one attempt, oldest first."""
    query = select(Appeal).where(Appeal.attempt_id == attempt_id)
    return list(session.scalars(query.order_by(Appeal.id)))


def doubt(session: Session, attempt: Attempt, text: str) -> Appeal:
    """Raises a query about a released result. `Refused` when one is open already, or it is too late."""
    text = text.strip()
    if not text or len(text) > 300:
        raise Refused("请写明对哪一题有疑问、为什么，不超过 300 字")
    if attempt.state != "released":
        raise Refused("成绩公布后才能申请复核")
    if attempt.submitted_at is not None and now() > attempt.submitted_at + OPEN_FOR:
        raise Refused(f"交卷满 {OPEN_FOR.days} 天了，不能再申请复核")
    if any(a.answer is None for a in appeals_of(session, attempt.id)):
        raise Refused("您已经申请过，请等答复")
    appeal = Appeal(attempt_id=attempt.id, text=text, created_at=now())
    session.add(appeal)
    session.flush()
    return appeal


def doubts_about(session: Session, exam: Exam, prefix: str) -> list[tuple[Appeal, str]]:
    """(query, examinee's name) for an exam, by people within a code prefix, unanswered first."""
    query = (
        select(Appeal, Person.name)
        .join(Attempt, Attempt.id == Appeal.attempt_id)
        .join(Person, Person.id == Attempt.person_id)
        .where(Attempt.exam_id == exam.id, Attempt.person_id.in_(ids_in(prefix)))
        .order_by(Appeal.answered_at.is_not(None), Appeal.id)
    )
    return [(appeal, name) for appeal, name in session.execute(query)]


def answer(
    session: Session, exam: Exam, prefix: str, *, appeal_id: int, text: str, by: str
) -> None:
    """Answers a query, once. NotFound outside the prefix."""
    appeal = next((a for a, _ in doubts_about(session, exam, prefix) if a.id == appeal_id), None)
    if appeal is None:
        raise NotFound("没有这条复核申请，或不在您的管理范围内")
    if not text.strip() or len(text) > 300:
        raise Refused("请写明答复，不超过 300 字")
    if appeal.answer is not None:
        raise Refused("这条已经答复过了")
    appeal.answer, appeal.answered_by, appeal.answered_at = text.strip(), by, now()
    session.flush()
