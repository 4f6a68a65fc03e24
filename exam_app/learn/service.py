"""The verbs of learning: open a unit, finish it, and what a finished course adds up to."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
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


@dataclass(frozen=True)
class Choice:
    """What to practise: a topic, a page of the knowledge base, or a clause, step or line."""

    topic: str = ""
    page: str = ""
    point: str = ""

    def fits(self, question: Any) -> bool:
        return (
            self.topic in ("", question.topic)
            and self.page in ("", question.kb.partition("#")[0])
            and (not self.point or self.point in (question.source, *question.covers))
        )


@dataclass(frozen=True)
class Practised:
    """One answered part of a practice: a question, or one sub-question of a case."""

    item: Any
    question: Any
    response: Any
    right: bool
    text: str | None = None


def practice_set(
    pool: Sequence[Any], reserved: set[str], choice: Choice, rng: random.Random, n: int = 5
) -> list[Any]:
    """Questions of a pool to practise, none of them in an exam that is open or to come."""
    free = [q for q in pool if q.id not in reserved and choice.fits(q)]
    return rng.sample(free, min(n, len(free)))


def parts(item: Any) -> list[tuple[str, Any, str | None]]:
    """(field name, question, text of the case) of a question or of a case's sub-questions."""
    if item.type != "case":
        return [(item.id, item, None)]
    return [(f"{item.id}.{n}", sub, item.text) for n, sub in enumerate(item.questions, start=1)]


def check_practice(item: Any, field: Callable[[str], Sequence[str]]) -> list[Practised]:
    """The parts of a question with the responses read from a form (`field` gives its values)."""
    marked = []
    for name, question, text in parts(item):
        try:
            response = valid_response(question, read_response(question, list(field(name))))
        except InvalidResponse:
            response = None
        right = score(question, response) == 1.0
        marked.append(Practised(item, question, response, right, text))
    return marked


def read_response(question: Any, given: Sequence[str]) -> Any:
    """A form's values as a response; None where nothing was answered.

    Order: the place of each option, in the options' order. Match: the number of each left side.
    """
    if not any(given):
        return None
    if question.type == "multiple":
        return list(given)
    if question.type == "true_false":
        return given[0] == "true"
    if question.type == "fill":
        return list(given)
    if question.type == "order":
        placed = dict(zip(question.options, given, strict=False))
        if not all(place.isdecimal() for place in placed.values()):
            return None
        return sorted(placed, key=lambda label: int(placed[label]))
    if question.type == "match":
        chosen = zip(question.left, given, strict=False)
        return {left: int(number) for left, number in chosen if number.isdecimal()}
    return given[0]
