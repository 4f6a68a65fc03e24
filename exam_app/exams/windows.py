"""When and how often a person may sit an exam: its own window, or that of a sitting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exam_app.exams.errors import Closed
from exam_app.exams.models import Attempt, Exam, Seat, Sitting
from training_records.database import insert_missing, now
from training_records.divisions import prefix_of
from training_records.ledger.models import Post


@dataclass(frozen=True)
class Window:
    """The window in which an attempt runs."""

    closes_at: datetime
    sitting_id: int | None = None


def used(attempts: Sequence[Attempt]) -> int:
    """How many attempts count against the limit.

    Voided ones don't, nor does the first of those abandoned without a single answer (e.g. the
    network failed at the start).
    """
    abandoned = sum(a.state == "abandoned" for a in attempts)
    voided = sum(a.state == "voided" for a in attempts)
    return len(attempts) - voided - min(abandoned, 1)


def left(exam: Exam, attempts: Sequence[Attempt]) -> int:
    """How many attempts a person has left."""
    if exam.practice:
        return 1
    return max(exam.attempts_allowed - used(attempts), 0)


def refuse_used_up(exam: Exam, attempts: Sequence[Attempt]) -> None:
    """`Closed` when no further attempt is allowed."""
    if exam.practice:
        return
    if any(a.passed and a.state != "voided" for a in attempts):
        raise Closed("您已经考试合格，不用再考")
    if any(a.state in ("submitted", "marked") for a in attempts):
        raise Closed("上次的成绩还没有公布，公布后再看要不要再考")
    if not left(exam, attempts):
        raise Closed(f"{exam.attempts_allowed} 次机会已经用完。请联系区（市）民政部门安排补考")


def open_window(
    session: Session, exam: Exam, attempts: Sequence[Attempt], *, person_id: int, at: datetime
) -> Window:
    """The window open to a person now; takes a seat where seats are limited.

    `Closed` when none is open: not started, over, full, or none for this person.
    """
    if not exam.sittings:
        if at < exam.opens_at:
            raise Closed("考试还没开始，请到时间再来")
        if at >= exam.closes_at:
            raise Closed("考试已经结束，不能再开始。请问区（市）民政部门有没有补考")
        return Window(exam.closes_at)
    sittings = sittings_for(session, exam, attempts, person_id=person_id)
    full = None
    for sitting in sittings:
        if sitting.opens_at <= at < sitting.closes_at:
            if sitting.capacity is None or _take_seat(session, sitting, person_id):
                return Window(sitting.closes_at, sitting.id)
            full = sitting
    if full is not None:
        raise Closed(f"“{full.title}”的 {full.capacity} 个座位已经坐满，请换一场")
    if any(sitting.opens_at > at for sitting in sittings):
        raise Closed("您的场次还没开始，请到时间再来")
    raise Closed("现在没有您可以考的场次。请问区（市）民政部门有没有补考")


def sittings_for(
    session: Session, exam: Exam, attempts: Sequence[Attempt], *, person_id: int
) -> list[Sitting]:
    """The sittings of an exam that a person is eligible for, by time."""
    codes = list(session.scalars(select(Post.division_code).where(Post.person_id == person_id)))
    attempted = any(a.state != "voided" for a in attempts)
    has_regular = any(not s.make_up for s in exam.sittings)
    sittings = []
    for sitting in exam.sittings:
        prefix = prefix_of(sitting.division_code)
        eligible = not sitting.make_up or attempted or has_regular
        if eligible and any(code.startswith(prefix) for code in codes):
            sittings.append(sitting)
    return sittings


def _take_seat(session: Session, sitting: Sitting, person_id: int) -> bool:
    # Locks the sitting's row, so that two people can't take the last seat.
    session.execute(select(Sitting.id).where(Sitting.id == sitting.id).with_for_update())
    if session.get(Seat, (sitting.id, person_id)):
        return True
    seats_taken = session.scalar(
        select(func.count()).select_from(Seat).where(Seat.sitting_id == sitting.id)
    )
    if (seats_taken or 0) >= (sitting.capacity or 0):
        return False
    insert_missing(session, Seat, sitting_id=sitting.id, person_id=person_id, taken_at=now())
    return True
