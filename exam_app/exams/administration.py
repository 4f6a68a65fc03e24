"""Administration of exams: create one, its exposure of items, its counts, and who may see it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from exam_app.exams.models import Attempt, Exam, ExamForm
from question_bank import Blueprint, Question, assemble
from question_bank.question import dump_question
from training_records.database import now
from training_records.divisions import division_names, get_division, prefix_of
from training_records.errors import NotFound, Refused
from training_records.ledger.service import ids_in

MAX_FORMS = 10


def create_exam(
    session: Session,
    questions: Sequence[Question],
    blueprint: Blueprint,
    *,
    title: str,
    kind: str,
    division_code: str,
    organiser: str,
    level: str,
    opens_at: datetime,
    closes_at: datetime,
    attempts_allowed: int,
    created_by: str,
    forms: int = 1,
    shuffled: bool = False,
    counts: str = "best",
    release: str = "at_once",
    practice: bool = False,
    double_marking: bool = False,
    seed: int = 0,
) -> Exam:
    """Creates an exam: its forms are assembled from the blueprint, and a snapshot of the items is stored in
    them.

    With several forms, neighbours get different ones. Raises `InfeasibleBlueprint` or
    `Refused`.
    """
    if closes_at <= opens_at:
        raise Refused("结束时间要晚于开始时间，请改正")
    if not 1 <= attempts_allowed <= 20:
        raise Refused("可考次数要在 1 到 20 之间")
    get_division(session, division_code)
    if not 1 <= forms <= MAX_FORMS:
        raise Refused(f"套数要在 1 到 {MAX_FORMS} 之间")
    by_id = {q.id: q for q in questions}
    assembled = assemble(questions, blueprint, forms, seed=seed, exposure=exposure(session))
    exam = Exam(
        title=title,
        kind=kind,
        division_code=division_code,
        organiser=organiser,
        level=level,
        blueprint=blueprint.model_dump(mode="json"),
        minutes=blueprint.minutes,
        pass_percent=Decimal(str(blueprint.pass_percent)),
        attempts_allowed=attempts_allowed,
        shuffled=shuffled,
        counts=counts,
        release=release,
        release_at=closes_at if release == "at_time" else None,
        practice=practice,
        double_marking=double_marking,
        opens_at=opens_at,
        closes_at=closes_at,
        created_by=created_by,
    )
    for form in assembled:
        items = [dump_question(by_id[item]) for item in form.items]
        exam.forms.append(ExamForm(number=form.number, items=items))
    session.add(exam)
    session.flush()
    return exam


def exposure(session: Session) -> dict[str, int]:
    """Item to the number of exams of the last two years that used it, for exposure control."""
    since = now() - timedelta(days=730)
    counts: dict[str, int] = {}
    for items in session.scalars(select(ExamForm.items).join(Exam).where(Exam.created_at >= since)):
        for item in items:
            item_id = str(item["id"])
            counts[item_id] = counts.get(item_id, 0) + 1
    return counts


def reserved_items(session: Session) -> set[str]:
    """Items of exams that are open or scheduled: they are kept out of practice.

    Practice exams reserve nothing.
    """
    coming = (Exam.closes_at > now()) & Exam.practice.is_(False)
    forms = session.scalars(select(ExamForm.items).join(Exam).where(coming))
    return {str(item["id"]) for items in forms for item in items}


def exam_counts(session: Session, exam_id: int, prefix: str) -> dict[str, int]:
    """How many people of a division started and passed an exam."""
    query = (
        select(Attempt.passed, func.count(Attempt.person_id.distinct()))
        .where(Attempt.exam_id == exam_id, Attempt.person_id.in_(ids_in(prefix)))
        .group_by(Attempt.passed)
    )
    counts = {str(passed): n for passed, n in session.execute(query)}
    return {"passed": counts.get("True", 0), "started": sum(counts.values())}


def exam_within(session: Session, exam_id: int, prefix: str, *, own: bool = False) -> Exam:
    """An exam that an office may see: its own, and those of divisions below and above. NotFound otherwise.

    `own`: only exams that it may also change.
    """
    exam = session.get(Exam, exam_id)
    if exam is None:
        raise NotFound("没有这场考试，或不在您的管理范围内")
    in_scope = exam.division_code.startswith(prefix)
    if not in_scope and (own or not prefix.startswith(prefix_of(exam.division_code))):
        raise NotFound("没有这场考试，或不归您管理")
    return exam


def divisions_sharing(session: Session, exam: Exam, prefix: str) -> list[tuple[str, str]]:
    """(code, name) of the divisions, down to towns, within both an exam's division and an office's scope."""
    shared = max(prefix_of(exam.division_code), prefix, key=len)
    names = division_names(session, shared)
    return [(code, name) for code, name in sorted(names.items()) if code[9:] == "000"]


def exams_for_office(session: Session, prefix: str) -> list[Exam]:
    """The exams an office may see (`exam_within`), the last to close first."""
    return [
        exam
        for exam in session.scalars(select(Exam).order_by(Exam.closes_at.desc()))
        if exam.division_code.startswith(prefix) or prefix.startswith(prefix_of(exam.division_code))
    ]


def exams_of_division(session: Session, code: str, limit: int = 30) -> Sequence[Row[int, str]]:
    """(id, title) of a division's own exams, newest first."""
    query = select(Exam.id, Exam.title).where(Exam.division_code == code)
    return session.execute(query.order_by(Exam.id.desc()).limit(limit)).all()


def is_exam_of(session: Session, exam_id: int, code: str) -> bool:
    """Whether an exam belongs to this very division."""
    exam = session.get(Exam, exam_id)
    return exam is not None and exam.division_code == code
