"""After submission: marking, release, filing in the archive."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_app.exams.marking import MarkedSlot, StoredAnswer, marked, total
from exam_app.exams.models import Attempt, Exam
from exam_app.exams.states import move
from question_bank import round_points
from training_records.archive.models import ArchiveEntry
from training_records.archive.service import NewEntry, append, void
from training_records.certificates.service import issue
from training_records.ledger.models import Person


def finish(
    session: Session,
    attempt: Attempt,
    at: datetime,
    *,
    zone: ZoneInfo,
    saved: Mapping[str, StoredAnswer] | None = None,
) -> list[MarkedSlot]:
    """Marks a submitted attempt at time `at`, and releases it if the exam's rule says so; returns its slots
    as marked.

    Stays submitted while answers need human marking. `saved`: its answers, when already read.
    """
    exam, rows = attempt.exam, marked(session, attempt, saved=saved)
    points, maximum, open_slots = total(rows)
    if open_slots:
        return rows
    set_score(attempt, points, maximum)
    move(session, attempt, "marked", actor="system", at=at)
    if exam.practice or due(exam, at):
        release(session, attempt, "system", at=at, zone=zone)
    return rows


def due(exam: Exam, at: datetime) -> bool:
    """Whether results of the exam are due for automatic release at time `at`."""
    if exam.release == "at_time":
        return exam.release_at is not None and at >= exam.release_at
    return exam.release == "at_once"


def set_score(attempt: Attempt, points: float, maximum: float) -> None:
    """Sets score, maximum and pass from points at full precision."""
    attempt.score = Decimal(str(round_points(points)))
    attempt.max_score = Decimal(str(round_points(maximum)))
    attempt.passed = passes(attempt.exam, points, maximum)


def passes(exam: Exam, points: float, maximum: float) -> bool:
    """Whether points at full precision reach the pass mark."""
    return points * 100 >= float(exam.pass_percent) * maximum - 1e-9


def release(
    session: Session, attempt: Attempt, actor: str, *, at: datetime, zone: ZoneInfo
) -> None:
    """Releases the result, files it in the archive and issues the certificate."""
    exam = attempt.exam
    move(session, attempt, "released", actor=actor, at=at)
    if not exam.practice and _counts(session, attempt):
        file_result(session, attempt, actor, zone=zone, may_refile=False)


def _counts(session: Session, attempt: Attempt) -> bool:
    """Whether the attempt counts. Where the last attempt counts, voids the earlier entries."""
    if attempt.exam.counts == "best":
        return True
    earlier = session.scalars(
        select(Attempt).where(
            Attempt.exam_id == attempt.exam_id,
            Attempt.person_id == attempt.person_id,
            Attempt.number < attempt.number,
            Attempt.state == "released",
        )
    ).all()
    if attempt.exam.counts == "first":
        return not earlier
    for other in earlier:
        void_result(session, other, "以最后一次成绩为准", by="system")
    return True


def file_result(
    session: Session, attempt: Attempt, actor: str, *, zone: ZoneInfo, may_refile: bool = True
) -> None:
    """Files a result in the archive, and issues the certificate of a pass.

    `may_refile`: an earlier entry of the attempt may have been voided.
    """
    exam = attempt.exam
    # The date in the offices' time zone: at 01:00 local time UTC is still on the previous day.
    day: date = (attempt.submitted_at or attempt.deadline).astimezone(zone).date()
    percent = Decimal(
        str(round_points(100 * float(attempt.score or 0) / float(attempt.max_score or 1)))
    )
    entry = append(
        session,
        NewEntry(
            attempt.person_id,
            "exam",
            day,
            exam.title,
            level=exam.level,
            form="纸质考试" if attempt.on_paper else "线上考试",
            organiser=exam.organiser,
            score=percent,
            passed=attempt.passed,
            induction=exam.kind == "induction",
            evidence={"exam": exam.id, "attempt": attempt.id},
            source_key=_key(session, attempt) if may_refile else _base(attempt),
        ),
        actor,
        fresh=not may_refile,
    )
    if attempt.passed and not attempt.certificate_no:
        person = session.get_one(Person, attempt.person_id)
        certificate = issue(
            session, person, entry, title=exam.title, organiser=exam.organiser, by=actor
        )
        attempt.certificate_no = certificate.no


def void_result(session: Session, attempt: Attempt, reason: str, *, by: str) -> bool:
    """Voids the archive entries of a result; returns whether one was still in force."""
    standing = [entry for entry in _filed(session, attempt) if not _voided(session, entry)]
    for entry in standing:
        void(session, entry.id, reason, by=by)
    return bool(standing)


def _base(attempt: Attempt) -> str:
    return f"attempt:{attempt.id}"


def _filed(session: Session, attempt: Attempt) -> list[ArchiveEntry]:
    """All archive entries ever filed for an attempt's result."""
    base, key = _base(attempt), ArchiveEntry.source_key
    # Filter by person first: no index serves the LIKE pattern.
    query = select(ArchiveEntry).where(
        ArchiveEntry.person_id == attempt.person_id, (key == base) | key.like(f"{base}:%")
    )
    return list(session.scalars(query.order_by(ArchiveEntry.id)))


def _voided(session: Session, entry: ArchiveEntry) -> bool:
    return bool(session.scalar(select(ArchiveEntry.id).where(ArchiveEntry.voids_id == entry.id)))


def _key(session: Session, attempt: Attempt) -> str:
    """The entry's source key: a result refiled after its entry was voided gets a numbered key."""
    filed, base = _filed(session, attempt), _base(attempt)
    if filed and _voided(session, filed[-1]):
        return f"{base}:{len(filed) + 1}"
    return str(filed[-1].source_key) if filed else base
