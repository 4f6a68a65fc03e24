"""Rescoring (改判) after a key correction: a preview, then all attempts in one transaction.

The item as shown stays in the form. The corrected version is stored with the exam and used for
marking from then on. Stored responses never change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_app.exams.marking import marked, total
from exam_app.exams.models import Attempt, Exam, Rescore
from exam_app.exams.results import file_result, passes, void_result
from exam_app.exams.slots import items_of
from exam_app.exams.states import MARKED, note
from question_bank import Question, parts_of, round_points
from question_bank.question import dump_question
from question_bank.response import shape_of
from training_records.certificates.models import Certificate
from training_records.database import now
from training_records.errors import Refused
from training_records.ledger.models import Person


@dataclass(frozen=True)
class ScoreChange:
    """One attempt whose score or pass changes."""

    attempt_id: int
    person_id: int
    name: str
    old_score: float
    new_score: float
    old_passed: bool
    new_passed: bool


@dataclass(frozen=True)
class Preview:
    """The effect of rescoring: corrected items, changed attempts, number of attempts checked.

    `skipped`: item to why its newer version can't mark the stored responses.
    """

    corrections: dict[str, object]
    changes: list[ScoreChange]
    attempts: int
    skipped: dict[str, str]


def preview(session: Session, exam: Exam, bank: Mapping[str, Question]) -> Preview:
    """Which attempts would change. `bank`: the current items by id. Read-only."""
    corrections, skipped = _corrections(exam, bank)
    merged = {**(exam.corrections or {}), **corrections}
    rows = session.execute(
        select(Attempt, Person.name)
        .join(Person, Person.id == Attempt.person_id)
        .where(Attempt.exam_id == exam.id, Attempt.state.in_(MARKED))
        .order_by(Attempt.id)
    ).all()
    changes = []
    for attempt, name in rows:
        points, maximum, _ = total(marked(session, attempt, merged))
        new, passed = round_points(points), passes(exam, points, maximum)
        if new != float(attempt.score or 0) or passed != attempt.passed:
            changes.append(
                ScoreChange(
                    attempt.id,
                    attempt.person_id,
                    name,
                    float(attempt.score or 0),
                    new,
                    bool(attempt.passed),
                    passed,
                )
            )
    return Preview(corrections, changes, len(rows), skipped)


def _corrections(
    exam: Exam, bank: Mapping[str, Question]
) -> tuple[dict[str, object], dict[str, str]]:
    """Items whose key differs in the current bank, and those whose newer version doesn't fit."""
    changed: dict[str, object] = {}
    skipped: dict[str, str] = {}
    for form in exam.forms:
        for item in items_of(form):
            current = bank.get(item.id)
            if current is None or current.version <= item.version or item.id in changed:
                continue
            if _shape(current) != _shape(item):
                skipped[item.id] = "题型、选项或小题变了，用新版不能给旧答案评分"
            elif _keys(current) != _keys(item):
                changed[item.id] = dump_question(current)
    return changed, skipped


def _shape(item: Question) -> list[tuple[str, str]]:
    return [(str(shape_of(part)), part.stem) for part in parts_of(item)]


def _keys(item: Question) -> list[list[object]]:
    fields = ("key", "weights", "ranges", "credit")
    return [[getattr(part, field, None) for field in fields] for part in parts_of(item)]


def rescore(
    session: Session,
    exam: Exam,
    bank: Mapping[str, Question],
    *,
    reason: str,
    actor: str,
    zone: ZoneInfo,
) -> Preview:
    """Rescores all attempts of an exam and corrects the archive.

    Records old score, new score and reason for each change. `Refused` without a reason.
    """
    if not reason.strip():
        raise Refused("请写明改判的原因")
    session.scalars(
        select(Attempt.id).where(Attempt.exam_id == exam.id).order_by(Attempt.id).with_for_update()
    ).all()
    outcome = preview(session, exam, bank)
    exam.corrections = {**(exam.corrections or {}), **outcome.corrections}
    at = now()
    for change in outcome.changes:
        attempt = session.get_one(Attempt, change.attempt_id)
        attempt.score, attempt.passed = Decimal(str(change.new_score)), change.new_passed
        session.add(
            Rescore(
                attempt_id=attempt.id,
                created_at=at,
                created_by=actor,
                reason=reason[:200],
                old_score=Decimal(str(change.old_score)),
                new_score=Decimal(str(change.new_score)),
                old_passed=change.old_passed,
                new_passed=change.new_passed,
            )
        )
        event_reason = f"改判 {change.old_score:g} → {change.new_score:g}：{reason}"
        note(session, attempt, attempt.state, actor=actor, at=at, reason=event_reason[:200])
        if attempt.state == "released" and not exam.practice:
            _correct_archive(session, attempt, change, reason=reason, actor=actor, zone=zone)
    session.flush()
    return outcome


def _correct_archive(
    session: Session,
    attempt: Attempt,
    change: ScoreChange,
    *,
    reason: str,
    actor: str,
    zone: ZoneInfo,
) -> None:
    if not void_result(session, attempt, f"改判：{reason}"[:200], by=actor):
        # An attempt that doesn't count was never filed in the archive.
        return
    if attempt.certificate_no and not attempt.passed:
        certificate = session.get_one(Certificate, attempt.certificate_no)
        certificate.voided_at, certificate.void_reason = now(), f"改判：{reason}"[:200]
        attempt.certificate_no = None
    file_result(session, attempt, actor, zone=zone)
