"""The measures of the catalogue: their values for everyone from the records as of a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby
from zoneinfo import ZoneInfo

from sqlalchemy import Row, func, or_, select
from sqlalchemy import case as sql_case
from sqlalchemy.orm import Session

from training_records.archive.counting import in_year_sql, is_passed_exam_sql, year_totals_sql
from training_records.archive.models import ArchiveEntry
from training_records.coverage.rules import rule_of
from training_records.divisions import prefix_of, within
from training_records.ledger.absence import absences_in, without
from training_records.ledger.models import Post
from training_records.work.cadence import Cadence, name_of, owed, paid, periods, strictest
from training_records.work.checking import MIN_CHECKED
from training_records.work.models import (
    Activity,
    CaseEntry,
    OfficeTask,
    TaskDone,
    Visit,
    VisitCheck,
)
from training_records.work.satisfaction import satisfaction_in
from training_records.work.service import MONTHS

TENTH, TEN_THOUSANDTH = Decimal("0.1"), Decimal("0.0001")
# A visit is logged properly within a week of it.
LOGGED_WITHIN = timedelta(days=7)
REPORTED_WITHIN = timedelta(hours=24)


@dataclass(frozen=True)
class Window:
    """A person's time in a village within the year, as of the day, without leave."""

    village: str
    start: date
    end: date


@dataclass
class Subject:
    """Somebody to evaluate: where they are counted, their windows, months in post (to a tenth)."""

    person_id: int
    code: str
    windows: list[Window] = field(default_factory=list)
    months: Decimal = Decimal(0)
    measures: dict[str, Decimal | None] = field(default_factory=dict)


@dataclass(frozen=True)
class ExamHeld:
    """An exam that directors of a division could sit, over by the day of the frame. `exam_id`: as in the evidence of
    its results."""

    exam_id: int
    prefix: str
    title: str
    opened: date
    closed: date

    def concerns(self, subject: Subject) -> bool:
        """Whether somebody was in post in the division while it was open."""
        return any(
            w.village.startswith(self.prefix) and w.start <= self.closed and w.end >= self.opened
            for w in subject.windows
        )


def exam_score(best: Decimal | None, held: Sequence[ExamHeld]) -> Decimal | None:
    """The measure from the best passed result and the exams held for somebody. Who passed nothing although there was
    one has 0, not nothing: to stay away is no better than to fail."""
    if best is None and held:
        return Decimal(0)
    return best


def _no_exams(session: Session, frame: Frame) -> Sequence[ExamHeld]:
    return ()


@dataclass(frozen=True)
class Frame:
    """What is looked at: a division, a year up to a day, cadences and duty steps, how many checks a whole visit
    answers, the time zone, and who knows which exams were held."""

    prefix: str
    year: int
    as_of: date
    cadences: Mapping[str, Cadence]
    steps: Sequence[Mapping[str, str]]
    checks: int
    zone: ZoneInfo
    exams: Callable[[Session, Frame], Sequence[ExamHeld]] = _no_exams

    @property
    def first(self) -> date:
        return date(self.year, 1, 1)

    @property
    def last(self) -> date:
        return min(date(self.year, 12, 31), self.as_of)


Source = Callable[[Session, Frame, dict[int, Subject]], None]
"""Fills in measures of subjects from some records."""


def subjects_of(session: Session, frame: Frame, person_id: int | None = None) -> dict[int, Subject]:
    """Directors of a division who were in post in the year, or one of them; each counts where their latest post in it
    is. Time on leave is no time in post."""
    query = (
        select(Post.person_id, Post.division_code, Post.start, Post.end)
        .where(
            Post.role == "director",
            within(Post.division_code, frame.prefix),
            Post.start <= frame.last,
            or_(Post.end.is_(None), Post.end >= frame.first),
        )
        .order_by(Post.person_id, Post.start, Post.id)
    )
    if person_id is not None:
        query = query.where(Post.person_id == person_id)
    away = absences_in(session, frame.prefix, frame.first, frame.last)
    found: dict[int, Subject] = {}
    for person, code, start, end in session.execute(query):
        subject = found.setdefault(person, Subject(person, code))
        subject.code = code
        held = max(start, frame.first), min(end or frame.last, frame.last)
        subject.windows += [Window(code, *part) for part in without(*held, away.get(person, ()))]
    days = (date(frame.year, 12, 31) - frame.first).days + 1
    for subject in found.values():
        in_post = _days(subject.windows)
        subject.months = (Decimal(in_post * 12) / days).quantize(TENTH, ROUND_HALF_UP)
    return found


def _days(windows: Iterable[Window]) -> int:
    """Days in post, those in two villages at once counted once."""
    count, reached = 0, date.min
    for window in sorted(windows, key=lambda w: w.start):
        start = max(window.start, reached)
        if window.end >= start:
            count += (window.end - start).days + 1
            reached = window.end + timedelta(days=1)
    return count


def measured(session: Session, frame: Frame, more: Sequence[Source] = ()) -> dict[int, Subject]:
    """Everyone of a division with all measures. `more`: sources of other rooms (practice). Each source fills in
    measures of its own, so their order is free; what is made of other measures comes last."""
    subjects = subjects_of(session, frame)
    for source in (*_SOURCES, *more, *_DERIVED):
        source(session, frame, subjects)
    return subjects


def rate(part: int, whole: int) -> Decimal | None:
    """A share to 4 decimals, half-up; None of nothing."""
    if whole == 0:
        return None
    return (Decimal(part) / whole).quantize(TEN_THOUSANDTH, ROUND_HALF_UP)


def _by_village(subjects: Mapping[int, Subject]) -> dict[str, list[tuple[int, Window]]]:
    found: dict[str, list[tuple[int, Window]]] = defaultdict(list)
    for person, subject in subjects.items():
        for window in subject.windows:
            found[window.village].append((person, window))
    return found


def _visits_on_time(session: Session, frame: Frame, subjects: dict[int, Subject]) -> None:
    """Goes through the villages in order, cases and visits side by side, so that memory does not grow."""
    here = _by_village(subjects)
    done: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    visits = _grouped_visits(session, frame)
    current = next(visits, None)
    for (village, code), entries in groupby(_cases(session, frame), key=lambda c: (c[0], c[1])):
        while current is not None and current[0] < (village, code):
            current = next(visits, None)
        made = current[1] if current is not None and current[0] == (village, code) else []
        for _, _, categories, assigned, opened, closed in entries:
            cadence = strictest(categories, frame.cadences)
            if cadence is None or cadence.months is None:
                continue
            for person, window in here.get(village, ()):
                if assigned is not None and assigned != person:
                    continue
                due = owed(cadence, opened, closed, window.start, window.end)
                done[person][0] += sum(paid(cadence, period, made) for period in due)
                done[person][1] += len(due)
    for person, subject in subjects.items():
        subject.measures["visits_on_time_rate"] = rate(*done[person])


def _cases(
    session: Session, frame: Frame
) -> Iterator[Row[str, str, list[str], int | None, date, date | None]]:
    query = (
        select(
            CaseEntry.division_code,
            CaseEntry.code,
            CaseEntry.categories,
            CaseEntry.assigned_id,
            CaseEntry.opened_on,
            CaseEntry.closed_on,
        )
        .where(
            within(CaseEntry.division_code, frame.prefix),
            CaseEntry.opened_on <= frame.last,
            or_(CaseEntry.closed_on.is_(None), CaseEntry.closed_on >= frame.first),
        )
        .order_by(CaseEntry.division_code, CaseEntry.code, CaseEntry.opened_on)
    )
    yield from session.execute(query.execution_options(yield_per=5000))


def _grouped_visits(
    session: Session, frame: Frame
) -> Iterator[tuple[tuple[str, str], list[tuple[date, str]]]]:
    query = (
        select(CaseEntry.division_code, CaseEntry.code, Visit.on, Visit.form)
        .join(Visit, Visit.case_id == CaseEntry.id)
        .where(
            within(CaseEntry.division_code, frame.prefix),
            Visit.on.between(frame.first, frame.last),
        )
        .order_by(CaseEntry.division_code, CaseEntry.code)
    )
    rows = session.execute(query.execution_options(yield_per=5000))
    for key, group in groupby(rows, key=lambda r: (r[0], r[1])):
        yield key, [(r[2], r[3]) for r in group]


def _visits(session: Session, frame: Frame, subjects: dict[int, Subject]) -> None:
    counts: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
    query = (
        select(
            Visit.person_id,
            Visit.on,
            Visit.created_at,
            Visit.findings,
            Visit.alarm,
            Visit.reported_at,
        )
        .join(CaseEntry, CaseEntry.id == Visit.case_id)
        .where(
            within(CaseEntry.division_code, frame.prefix),
            Visit.on.between(frame.first, frame.last),
        )
    )
    for person, on, at, findings, alarm, reported in session.execute(
        query.execution_options(yield_per=5000)
    ):
        own = counts[person]
        own[0] += 1
        soon = at.astimezone(frame.zone).date() - on <= LOGGED_WITHIN
        own[1] += soon and len(findings) >= frame.checks
        own[2] += bool(alarm) and (reported is None or reported - at > REPORTED_WITHIN)
    for person, subject in subjects.items():
        logged, whole, missed = counts.get(person, (0, 0, 0))
        subject.measures["visits_logged"] = Decimal(logged)
        subject.measures["visit_log_rate"] = rate(whole, logged)
        subject.measures["missed_mandatory_reports"] = Decimal(missed)


def _training(session: Session, frame: Frame, subjects: dict[int, Subject]) -> None:
    levels = rule_of(session, frame.year).levels
    passed = in_year_sql(frame.year, frame.as_of) & is_passed_exam_sql()
    people = select(Post.person_id).where(
        Post.role == "director", within(Post.division_code, frame.prefix)
    )
    query = (
        year_totals_sql(levels, frame.year, frame.last)
        .add_columns(func.max(sql_case((passed, ArchiveEntry.score), else_=None)).label("best"))
        .where(ArchiveEntry.person_id.in_(people))
    )
    found = {row.person_id: row for row in session.execute(query)}
    held = frame.exams(session, frame)
    for person, subject in subjects.items():
        row = found.get(person)
        own = [exam for exam in held if exam.concerns(subject)]
        subject.measures["training_hours"] = (_number(row.hours) if row else None) or Decimal(0)
        subject.measures["exam_score"] = exam_score(_number(row.best) if row else None, own)
        subject.measures["induction_passed"] = Decimal(row.inducted if row else 0)


def _number(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _activities(session: Session, frame: Frame, subjects: dict[int, Subject]) -> None:
    query = (
        select(Activity.person_id, func.count(), func.count(Activity.theme.distinct()))
        .where(
            within(Activity.division_code, frame.prefix),
            Activity.held,
            Activity.on.between(frame.first, frame.last),
        )
        .group_by(Activity.person_id)
    )
    found = {person: (n, themes) for person, n, themes in session.execute(query)}
    for person, subject in subjects.items():
        held, themes = found.get(person, (0, 0))
        subject.measures["activities_held"] = Decimal(held)
        subject.measures["activity_themes"] = Decimal(themes)


@dataclass(frozen=True)
class TaskCalendar:
    """Tasks whose day has come: of the duty list as (task, period, day, title), of offices with their prefix."""

    rhythm: Sequence[tuple[str, str, date, str]]
    given: Sequence[tuple[str, tuple[str, str, date, str]]]

    def of(self, subject: Subject) -> Iterator[tuple[str, str, date, str]]:
        """Those that a person was in post for on their day."""
        for task in self.rhythm:
            if any(w.start <= task[2] <= w.end for w in subject.windows):
                yield task
        for prefix, task in self.given:
            if any(
                w.start <= task[2] <= w.end and w.village.startswith(prefix)
                for w in subject.windows
            ):
                yield task


def task_calendar(session: Session, frame: Frame) -> TaskCalendar:
    """The calendar of a frame."""
    rhythm = [
        (step["id"], name_of(first, MONTHS[step["rhythm"]]), last, step["what"])
        for step in frame.steps
        if step["rhythm"] in MONTHS
        for first, last in periods(frame.first, frame.last, MONTHS[step["rhythm"]])
        if last <= frame.last
    ]
    query = select(OfficeTask).where(
        OfficeTask.withdrawn.is_(False), OfficeTask.due_on.between(frame.first, frame.last)
    )
    given = [
        (prefix_of(row.division_code), (f"office-{row.id}", "once", row.due_on, row.title))
        for row in session.scalars(query)
    ]
    return TaskCalendar(rhythm, given)


def _tasks(session: Session, frame: Frame, subjects: dict[int, Subject]) -> None:
    """Tasks whose day has come while the person was in post: done at all, done in time."""
    calendar = task_calendar(session, frame)
    done: dict[int, dict[tuple[str, str], date]] = defaultdict(dict)
    people = select(Post.person_id).where(
        Post.role == "director", within(Post.division_code, frame.prefix)
    )
    query = select(TaskDone.person_id, TaskDone.task, TaskDone.period, TaskDone.done_on).where(
        TaskDone.person_id.in_(people), TaskDone.done_on <= frame.as_of
    )
    for person, task, period, on in session.execute(query.execution_options(yield_per=5000)):
        done[person][task, period] = on
    for person, subject in subjects.items():
        own, whole, ticked, in_time = done.get(person, {}), 0, 0, 0
        for task, period, due, _ in calendar.of(subject):
            ticked_on = own.get((task, period))
            whole += 1
            ticked += ticked_on is not None
            in_time += ticked_on is not None and ticked_on <= due
        subject.measures["tasks_done_rate"] = rate(ticked, whole)
        subject.measures["tasks_on_time_rate"] = rate(in_time, whole)


def _checked(session: Session, frame: Frame, subjects: dict[int, Subject]) -> None:
    query = (
        select(VisitCheck.person_id, VisitCheck.confirmed)
        .join(Visit, Visit.id == VisitCheck.visit_id)
        .where(
            within(VisitCheck.division_code, frame.prefix),
            VisitCheck.confirmed.is_not(None),
            Visit.on.between(frame.first, frame.last),
        )
    )
    found: dict[int, list[bool]] = defaultdict(list)
    for person, confirmed in session.execute(query):
        found[person].append(bool(confirmed))
    for person, subject in subjects.items():
        own = found.get(person, [])
        enough = len(own) >= MIN_CHECKED
        subject.measures["visits_checked_rate"] = rate(sum(own), len(own)) if enough else None


def _corrected(session: Session, frame: Frame, subjects: dict[int, Subject]) -> None:
    """What the sample did not confirm is taken off in proportion."""
    for subject in subjects.values():
        on_time = subject.measures["visits_on_time_rate"]
        confirmed = subject.measures["visits_checked_rate"]
        value = on_time if on_time is None or confirmed is None else on_time * confirmed
        subject.measures["visits_on_time_corrected_rate"] = (
            None if value is None else value.quantize(TEN_THOUSANDTH, ROUND_HALF_UP)
        )


def _satisfaction(session: Session, frame: Frame, subjects: dict[int, Subject]) -> None:
    found = satisfaction_in(session, frame.prefix, frame.year)
    for person, subject in subjects.items():
        own = found.get(person)
        subject.measures["satisfaction_mean"] = own.shown if own else None


_SOURCES: tuple[Source, ...] = (
    _visits_on_time,
    _visits,
    _checked,
    _training,
    _activities,
    _tasks,
    _satisfaction,
)
_DERIVED: tuple[Source, ...] = (_corrected,)
