"""Learning: progress, quizzes, finishing a unit, and filing the credit hours of a finished course."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_app.learn.models import UnitProgress
from exam_app.learn.study import left, unplayed
from exam_app.practice.answers import Practised, check_practice
from question_bank import Question
from training_records.archive.service import NewEntry, append
from training_records.database import now
from training_records.divisions import DivisionLevel, ancestor, get_division
from training_records.errors import NotFound, Refused
from training_records.facts.courses import Course, Unit, credit_hours
from training_records.ledger.service import current_post

QUIZ_TYPES = ("single", "multiple", "true_false")
MIN_REFLECTION = 15
ORGANISERS: dict[str, tuple[DivisionLevel, str]] = {
    "city": ("city", "民政局"),
    "district": ("district", "民政局"),
    "town": ("town", ""),
}


@dataclass(frozen=True)
class Progress:
    """One person's progress in a course. `missing`: prerequisite courses not yet finished."""

    course: Course
    done: frozenset[str]
    opened: frozenset[str]
    missing: tuple[Course, ...] = ()

    @property
    def next_unit(self) -> Unit | None:
        return next((u for u in self.course.units if u.id not in self.done), None)

    @property
    def hours_done(self) -> Decimal:
        return credit_hours(sum(u.minutes for u in self.course.units if u.id in self.done))

    @property
    def finished(self) -> bool:
        return len(self.done) == len(self.course.units)


def progress_in(
    session: Session, person_id: int, courses: Sequence[Course], *, today: date, zone: ZoneInfo
) -> list[Progress]:
    """Returns a person's progress in each of the courses."""
    query = select(UnitProgress).where(UnitProgress.person_id == person_id)
    rows: dict[str, list[UnitProgress]] = {}
    for row in session.scalars(query):
        rows.setdefault(row.course_id, []).append(row)
    by_id = {c.id: _progress(c, rows.get(c.id, ()), today, zone=zone) for c in courses}
    return [
        Progress(
            p.course,
            p.done,
            p.opened,
            tuple(
                by_id[r].course for r in p.course.requires if r in by_id and not by_id[r].finished
            ),
        )
        for p in by_id.values()
    ]


def _progress(
    course: Course, rows: Sequence[UnitProgress], today: date, *, zone: ZoneInfo
) -> Progress:
    unit_ids = {u.id for u in course.units}
    current = [r for r in rows if r.unit_id in unit_ids]
    return Progress(
        course,
        frozenset(r.unit_id for r in current if is_done(r, course, today, zone=zone)),
        frozenset(r.unit_id for r in current),
    )


def is_done(row: UnitProgress, course: Course, today: date, *, zone: ZoneInfo) -> bool:
    """Whether a unit is finished and still valid."""
    return row.done_at is not None and course.still_counts(
        row.done_at.astimezone(zone).date(), today
    )


def find_unit(course: Course, unit_id: str) -> Unit:
    """Returns a unit of the course. Raises `NotFound` otherwise."""
    for unit in course.units:
        if unit.id == unit_id:
            return unit
    raise NotFound("没有这个学习单元")


def begin_again(row: UnitProgress, course: Course, today: date, *, zone: ZoneInfo) -> None:
    """Resets the progress of a finished unit whose validity has expired. Filed archive entries are kept."""
    if row.done_at is not None and not is_done(row, course, today, zone=zone):
        row.done_at, row.ms, row.watched, row.position = None, 0, None, 0
        row.opened_at, row.reflection = now(), None


def quiz_of(
    unit: Unit, row: UnitProgress, questions: Sequence[Question], *, reserved: Collection[str]
) -> list[Question]:
    """Draws the items of a unit's quiz: the same draw until it is submitted. Excludes `reserved` items (of open and
    coming exams). Returns fewer items, or none, if the pool is too small."""
    if unit.quiz is None:
        return []
    pages = set(unit.pages)
    pool = [
        q
        for q in questions
        if q.type in QUIZ_TYPES
        and q.status == "reviewed"
        and q.id not in reserved
        and (q.topic == unit.quiz.topic if unit.quiz.topic else q.kb.partition("#")[0] in pages)
    ]
    rng = random.Random(f"{row.person_id}:{row.course_id}:{row.unit_id}:{row.tries}")  # noqa: S311 (reproducible draw)
    return rng.sample(pool, min(unit.quiz.items, len(pool)))


@dataclass(frozen=True)
class Outcome:
    """Result of submitting a unit: whether the unit and the course are finished, and the marked quiz."""

    unit: bool
    course: bool
    marked: tuple[Practised, ...] = ()


def finish_unit(
    session: Session,
    person_id: int,
    course: Course,
    *,
    unit: Unit,
    quiz: Sequence[Question],
    field: Callable[[str], Sequence[str]],
    pace: float,
    zone: ZoneInfo,
) -> Outcome:
    """Finishes a unit if its conditions hold, and files the credit hours once the course is finished.

    `quiz`: as drawn by `quiz_of`; `field`: form values by name. Raises `Refused` while time on task, playback or
    reflection are missing. A failed quiz returns an unfinished `Outcome`.
    """
    row = session.get(UnitProgress, (person_id, course.id, unit.id), with_for_update=True)
    if row is None:
        raise Refused("请先打开这个单元读一读")
    today = now().astimezone(zone).date()
    marked: tuple[Practised, ...] = ()
    if not is_done(row, course, today, zone=zone):
        _refuse_early(row, unit, pace)
        if unit.reflection:
            text = "".join(field("reflection")).strip()
            if len(text) < MIN_REFLECTION:
                raise Refused(f"请写几句您的想法，至少 {MIN_REFLECTION} 个字")
            row.reflection = text[:1000]
        marked = tuple(part for item in quiz for part in check_practice(item, field))
        if unit.quiz and quiz:
            row.tries += 1
            if sum(p.right for p in marked) < min(unit.quiz.need, len(marked)):
                session.flush()
                return Outcome(False, False, marked)
        row.done_at = now()
        session.flush()
    state = progress_in(session, person_id, [course], today=today, zone=zone)[0]
    if not state.finished:
        return Outcome(True, False, marked)
    _file_course(session, person_id, course, day=today)
    return Outcome(True, True, marked)


def _refuse_early(row: UnitProgress, unit: Unit, pace: float) -> None:
    if missing := left(row, unit, pace):
        raise Refused(f"再学 {missing // 60 + 1} 分钟，就可以记学时了。离开这一页的时间不算")
    if missing := unplayed(row, unit, pace):
        raise Refused(f"录像（录音）还有约 {missing // 60 + 1} 分钟没有放完。快进跳过的不算")


def _file_course(session: Session, person_id: int, course: Course, *, day: date) -> None:
    post = current_post(session, person_id, day)
    if post is None:
        raise Refused("您现在没有任职登记，学时记不进档案。请联系区（市）民政部门")
    level, office = ORGANISERS[course.level]
    organiser = get_division(session, ancestor(post.division_code, level))
    append(
        session,
        NewEntry(
            person_id,
            "course",
            day,
            course.title,
            level=course.level,
            form=course.form,
            organiser=f"{organiser.name}{office}",
            hours=course.hours,
            evidence={"course": course.id, "version": course.version, "units": len(course.units)},
            source_key=f"course:{course.id}:{day.year}:{person_id}",
        ),
        "system",
    )
