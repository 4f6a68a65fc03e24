"""The verbs of learning: open a unit, finish it, and what a finished course adds up to."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_app.kb.facts import Course, Unit
from exam_app.learn.models import UnitProgress
from question_bank import InvalidResponse, score, valid_response
from training_records.archive.service import NewEntry, append
from training_records.database import insert_missing, now
from training_records.divisions import ancestor, get_division
from training_records.errors import NotFound, Refused
from training_records.ledger.service import current_post

MINUTES_PER_HOUR = 45
# Reading counts once a third of the planned minutes have passed since the unit was opened.
MIN_SHARE = 1 / 3


@dataclass(frozen=True)
class Progress:
    """A course seen by one person."""

    course: Course
    done: frozenset[str]
    opened: frozenset[str]

    @property
    def next_unit(self) -> Unit | None:
        return next((u for u in self.course.units if u.id not in self.done), None)

    @property
    def hours_done(self) -> Decimal:
        return credit_hours(sum(u.minutes for u in self.course.units if u.id in self.done))

    @property
    def finished(self) -> bool:
        return len(self.done) == len(self.course.units)


def credit_hours(minutes: int) -> Decimal:
    """Credit hours of 45 minutes, to 2 decimals."""
    return (Decimal(minutes) / MINUTES_PER_HOUR).quantize(Decimal("0.01"))


def progress(session: Session, person_id: int, course: Course) -> Progress:
    """How far a person has come in a course."""
    rows = session.scalars(
        select(UnitProgress).where(
            UnitProgress.person_id == person_id, UnitProgress.course_id == course.id
        )
    ).all()
    known = {u.id for u in course.units}
    return Progress(
        course,
        frozenset(r.unit_id for r in rows if r.done_at and r.unit_id in known),
        frozenset(r.unit_id for r in rows if r.unit_id in known),
    )


def find_unit(course: Course, unit_id: str) -> Unit:
    """The unit, or NotFound."""
    for unit in course.units:
        if unit.id == unit_id:
            return unit
    raise NotFound("没有这个学习单元")


def open_unit(session: Session, person_id: int, course: Course, unit: Unit) -> UnitProgress:
    """Notes that a person has a unit before them; the first time counts."""
    identity = {"person_id": person_id, "course_id": course.id, "unit_id": unit.id}
    insert_missing(session, UnitProgress, **identity, opened_at=now())
    row = session.get_one(UnitProgress, identity)
    return row


def wait_left(row: UnitProgress, unit: Unit, pace: float) -> timedelta:
    """How long until the unit may be finished; `pace` 0 switches the minimum off."""
    least = timedelta(minutes=unit.minutes * MIN_SHARE * pace)
    return max(row.opened_at + least - now(), timedelta(0))


def finish_unit(
    session: Session, person_id: int, course: Course, unit: Unit, pace: float, zone: ZoneInfo
) -> bool:
    """Marks a unit as done; True when that finished the course, whose hours are then filed."""
    row = session.get(UnitProgress, (person_id, course.id, unit.id), with_for_update=True)
    if row is None:
        raise Refused("请先打开这个单元读一读")
    left = wait_left(row, unit, pace)
    if left:
        raise Refused(f"再读 {int(left.total_seconds() // 60) + 1} 分钟,就可以记学时了")
    if row.done_at is None:
        row.done_at = now()
        session.flush()
    if not progress(session, person_id, course).finished:
        return False
    _file_course(session, person_id, course, now().astimezone(zone).date())
    return True


def _file_course(session: Session, person_id: int, course: Course, day: date) -> None:
    post = current_post(session, person_id, day)
    if post is None:
        raise Refused("您现在没有任职登记,学时记不进档案。请联系区(市)民政部门")
    district = get_division(session, ancestor(post.division_code, "district"))
    append(
        session,
        NewEntry(
            person_id,
            "course",
            day,
            course.title,
            level=course.level,
            form=course.form,
            organiser=f"{district.name}民政局",
            hours=credit_hours(sum(u.minutes for u in course.units)),
            evidence={"course": course.id, "units": len(course.units)},
            source_key=f"course:{course.id}:{day.year}:{person_id}",
        ),
        "system",
    )


def practice_set(
    questions: Sequence[Any], reserved: set[str], topic: str, rng: random.Random, n: int = 5
) -> list[Any]:
    """Questions to practise, none of them in an exam that is open or to come."""
    pool = [
        q
        for q in questions
        if q.id not in reserved
        and q.type in ("single", "multiple", "true_false")
        and topic in ("", q.topic)
    ]
    return rng.sample(pool, min(n, len(pool)))


def check_practice(question: Any, given: Sequence[str]) -> tuple[Any, bool]:
    """(the response as read from a form, whether it is right)."""
    raw: Any = None
    if question.type == "multiple":
        raw = list(given) or None
    elif given:
        raw = given[0] == "true" if question.type == "true_false" else given[0]
    try:
        response = valid_response(question, raw)
    except InvalidResponse:
        response = None
    return response, score(question, response) == 1.0
