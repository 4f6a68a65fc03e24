"""The measures of the catalogue, computed for everyone from the records as of a day."""

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
# A visit has to be logged within a week.
LOGGED_WITHIN = timedelta(days=7)
REPORTED_WITHIN = timedelta(hours=24)


@dataclass(frozen=True)
class Window:
    """A period of a person's post in a village within the year, up to the day of the frame, without leave."""

    village: str
    start: date
    end: date


@dataclass
class Subject:
    """A director to evaluate: the division they count in, their windows, months in post (to a tenth)."""

    person_id: int
    code: str
    windows: list[Window] = field(default_factory=list)
    months: Decimal = Decimal(0)
    measures: dict[str, Decimal | None] = field(default_factory=dict)


@dataclass(frozen=True)
class ExamHeld:
    """An exam open to directors of a division, closed by the day of the frame. `exam_id`: as in the evidence of its
    results."""

    exam_id: int
    prefix: str
    title: str
    opened: date
    closed: date

    def concerns(self, subject: Subject) -> bool:
        """Whether a person was in post in the division while it was open."""
        return any(
            w.village.startswith(self.prefix) and w.start <= self.closed and w.end >= self.opened
            for w in subject.windows
        )


def exam_score(best: Decimal | None, held: Sequence[ExamHeld]) -> Decimal | None:
    """Returns the measure from the best passed result and the exams held for a person. Without a pass it is 0, not
    None, if there was an exam: staying away is no better than failing."""
    if best is None and held:
        return Decimal(0)
    return best


def _no_exams(session: Session, frame: Frame) -> Sequence[ExamHeld]:
    return ()


@dataclass(frozen=True)
class Frame:
    """The scope of an evaluation: a division, a year up to a day, cadences and duty steps, the number of checks in a
    complete visit, the time zone, and the look-up of exams held."""

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
    """Directors of a division who were in post in the year, or just one of them. Each counts in the division of their
    latest post. Leave is not time in post."""
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
    leaves = absences_in(session, frame.prefix, frame.first, last=frame.last)
    subjects: dict[int, Subject] = {}
    for person, code, start, end in session.execute(query):
        subject = subjects.setdefault(person, Subject(person, code))
        subject.code = code
        held = max(start, frame.first), min(end or frame.last, frame.last)
        subject.windows += [Window(code, *part) for part in without(*held, leaves.get(person, ()))]
    days = (date(frame.year, 12, 31) - frame.first).days + 1
    for subject in subjects.values():
        in_post = _days(subject.windows)
        subject.months = (Decimal(in_post * 12) / days).quantize(TENTH, ROUND_HALF_UP)
    return subjects


def _days(windows: Iterable[Window]) -> int:
    """Days in post; days in two villages at once count once."""
    count, next_day = 0, date.min
    for window in sorted(windows, key=lambda w: w.start):
        start = max(window.start, next_day)
        if window.end >= start:
            count += (window.end - start).days + 1
            next_day = window.end + timedelta(days=1)
    return count


def measured(
    session: Session, frame: Frame, further_sources: Sequence[Source] = ()
) -> dict[int, Subject]:
    """Computes all measures for everyone in a division. `further_sources`: those of other packages (practice). Each
    source fills in measures of its own, so their order is free; measures derived from others come last."""
    subjects = subjects_of(session, frame)
    for source in (*_SOURCES, *further_sources, *_DERIVED):
        source(session, frame, subjects)
    return subjects


def rate(part: int, whole: int) -> Decimal | None:
    """Returns a fraction to 4 decimals, half-up; None if the whole is 0."""
    if whole == 0:
        return None
    return (Decimal(part) / whole).quantize(TEN_THOUSANDTH, ROUND_HALF_UP)


def _by_village(subjects: Mapping[int, Subject]) -> dict[str, list[tuple[int, Window]]]:
    windows: dict[str, list[tuple[int, Window]]] = defaultdict(list)
    for person, subject in subjects.items():
        for window in subject.windows:
            windows[window.village].append((person, window))
    return windows


def _visits_on_time(session: Session, frame: Frame, subjects: dict[int, Subject]) -> None:
    """Walks through cases and visits in parallel, ordered by village and code, so that memory does not grow."""
    windows = _by_village(subjects)
    tally: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    visits = _grouped_visits(session, frame)
    current = next(visits, None)
    for (village, code), entries in groupby(_cases(session, frame), key=lambda c: (c[0], c[1])):
        while current is not None and current[0] < (village, code):
            current = next(visits, None)
        visits_made = current[1] if current is not None and current[0] == (village, code) else []
        for _, _, categories, assigned, opened, closed in entries:
            cadence = strictest(categories, frame.cadences)
            if cadence is None or cadence.months is None:
                continue
            for person, window in windows.get(village, ()):
                if assigned is not None and assigned != person:
                    continue
                due = owed(cadence, opened, closed, since=window.start, until=window.end)
                tally[person][0] += sum(paid(cadence, period, visits_made) for period in due)
                tally[person][1] += len(due)
    for person, subject in subjects.items():
        subject.measures["visits_on_time_rate"] = rate(*tally[person])


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
        tally = counts[person]
        tally[0] += 1
        in_time = at.astimezone(frame.zone).date() - on <= LOGGED_WITHIN
        tally[1] += in_time and len(findings) >= frame.checks
        tally[2] += bool(alarm) and (reported is None or reported - at > REPORTED_WITHIN)
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
    totals = {row.person_id: row for row in session.execute(query)}
    held = frame.exams(session, frame)
    for person, subject in subjects.items():
        row = totals.get(person)
        exams = [exam for exam in held if exam.concerns(subject)]
        subject.measures["training_hours"] = (_number(row.hours) if row else None) or Decimal(0)
        subject.measures["exam_score"] = exam_score(_number(row.best) if row else None, exams)
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
    by_person = {person: (n, themes) for person, n, themes in session.execute(query)}
    for person, subject in subjects.items():
        held, themes = by_person.get(person, (0, 0))
        subject.measures["activities_held"] = Decimal(held)
        subject.measures["activity_themes"] = Decimal(themes)


@dataclass(frozen=True)
class TaskCalendar:
    """Tasks whose deadline has passed: those of the duty list as (task, period, deadline, title), those of offices with
    the prefix of the division."""

    rhythm: Sequence[tuple[str, str, date, str]]
    given: Sequence[tuple[str, tuple[str, str, date, str]]]

    def of(self, subject: Subject) -> Iterator[tuple[str, str, date, str]]:
        """Yields the tasks for which a person was in post on the deadline."""
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
    """Builds the calendar of a frame."""
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
    """Tasks whose deadline fell into a person's time in post: done at all, done in time."""
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
        done_on, whole, done_count, in_time = done.get(person, {}), 0, 0, 0
        for task, period, due, _ in calendar.of(subject):
            ticked_on = done_on.get((task, period))
            whole += 1
            done_count += ticked_on is not None
            in_time += ticked_on is not None and ticked_on <= due
        subject.measures["tasks_done_rate"] = rate(done_count, whole)
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
    findings: dict[int, list[bool]] = defaultdict(list)
    for person, confirmed in session.execute(query):
        findings[person].append(bool(confirmed))
    for person, subject in subjects.items():
        confirmations = findings.get(person, [])
        enough = len(confirmations) >= MIN_CHECKED
        subject.measures["visits_checked_rate"] = (
            rate(sum(confirmations), len(confirmations)) if enough else None
        )


def _corrected(session: Session, frame: Frame, subjects: dict[int, Subject]) -> None:
    """Reduces the rate in proportion to what the sample did not confirm."""
    for subject in subjects.values():
        on_time = subject.measures["visits_on_time_rate"]
        confirmed = subject.measures["visits_checked_rate"]
        value = on_time if on_time is None or confirmed is None else on_time * confirmed
        subject.measures["visits_on_time_corrected_rate"] = (
            None if value is None else value.quantize(TEN_THOUSANDTH, ROUND_HALF_UP)
        )


def _satisfaction(session: Session, frame: Frame, subjects: dict[int, Subject]) -> None:
    figures = satisfaction_in(session, frame.prefix, frame.year)
    for person, subject in subjects.items():
        figure = figures.get(person)
        subject.measures["satisfaction_mean"] = figure.shown if figure else None


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
