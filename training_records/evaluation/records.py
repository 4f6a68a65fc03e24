"""The records behind a measure of one person: what was considered, and what of it counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from training_records.archive.counting import (
    TRAINING_KINDS,
    counts_as_training,
    in_year,
    is_passed_exam,
)
from training_records.archive.service import entries_of
from training_records.coverage.rules import rule_of
from training_records.divisions import within
from training_records.evaluation.measures import (
    LOGGED_WITHIN,
    REPORTED_WITHIN,
    Frame,
    Subject,
    Window,
    subjects_of,
    task_calendar,
)
from training_records.facts.levels import level_label
from training_records.work.cadence import owed, paid, strictest
from training_records.work.models import (
    FORMS,
    THEMES,
    Activity,
    CaseEntry,
    TaskDone,
    Visit,
    VisitCheck,
)
from training_records.work.service import visits_by_code

MAX_RECORDS = 500


@dataclass(frozen=True)
class RecordLine:
    """A record: its day (or the last day of its period), what it is, whether it counts for the measure, and why.
    `code`: case code, only for the village's own director. `points`: the score with which an exam counts."""

    day: date
    what: str
    counted: bool
    note: str = ""
    code: str = ""
    points: Decimal | None = None


def records_behind(
    session: Session, frame: Frame, person_id: int, *, measure: str
) -> list[RecordLine] | None:
    """The records behind a measure, latest first; None if the measure has no records of its own to show."""
    lines = _LINES.get(measure)
    if lines is None:
        return None
    subject = subjects_of(session, frame, person_id).get(person_id)
    if subject is None:
        return []
    return sorted(lines(session, frame, subject), key=lambda x: x.day, reverse=True)[:MAX_RECORDS]


def without_codes(lines: Iterable[RecordLine]) -> list[RecordLine]:
    """Removes the case codes, for offices: codes stay within the village."""
    return [replace(line, code="") for line in lines]


def _owed(session: Session, frame: Frame, subject: Subject) -> Iterator[RecordLine]:
    for window in subject.windows:
        query = select(CaseEntry).where(
            CaseEntry.division_code == window.village,
            CaseEntry.opened_on <= frame.last,
            or_(CaseEntry.closed_on.is_(None), CaseEntry.closed_on >= frame.first),
        )
        made = visits_by_code(session, [window.village], frame.first, until=frame.last)
        for entry in session.scalars(query):
            if entry.assigned_id in (None, subject.person_id):
                yield from _periods(
                    frame, window, entry, made=made.get((window.village, entry.code), [])
                )


def _periods(
    frame: Frame, window: Window, entry: CaseEntry, *, made: list[tuple[date, str]]
) -> Iterator[RecordLine]:
    cadence = strictest(entry.categories, frame.cadences)
    if cadence is None or cadence.months is None:
        return
    for period in owed(
        cadence, entry.opened_on, entry.closed_on, since=window.start, until=window.end
    ):
        done = paid(cadence, period, made)
        days = "、".join(
            f"{on:%-m月%-d日}" for on, _ in sorted(made) if period[0] <= on <= period[1]
        )
        note = f"走了：{days}" if done else (f"{days}有联系，形式不符" if days else "没走")
        yield RecordLine(
            period[1], f"{period[0]:%-m月}起{cadence.months}个月内应走 1 次", done, note, entry.code
        )


def _visits(session: Session, frame: Frame, subject: Subject) -> list[tuple[Visit, str]]:
    query = (
        select(Visit, CaseEntry.code)
        .join(CaseEntry, CaseEntry.id == Visit.case_id)
        .where(
            Visit.person_id == subject.person_id,
            Visit.on.between(frame.first, frame.last),
            within(CaseEntry.division_code, frame.prefix),
        )
    )
    return [(visit, code) for visit, code in session.execute(query)]


def _logged(session: Session, frame: Frame, subject: Subject) -> Iterator[RecordLine]:
    for visit, code in _visits(session, frame, subject):
        late = visit.created_at.astimezone(frame.zone).date() - visit.on > LOGGED_WITHIN
        gaps = frame.checks - len(visit.findings)
        note = "、".join(w for w, so in (("记晚了", late), (f"有 {gaps} 项没填", gaps > 0)) if so)
        yield RecordLine(visit.on, FORMS[visit.form], not late and gaps <= 0, note, code)


def _all_visits(session: Session, frame: Frame, subject: Subject) -> Iterator[RecordLine]:
    for visit, code in _visits(session, frame, subject):
        yield RecordLine(visit.on, FORMS[visit.form], True, "", code)


def _alarms(session: Session, frame: Frame, subject: Subject) -> Iterator[RecordLine]:
    for visit, code in _visits(session, frame, subject):
        if visit.alarm:
            soon = visit.reported_at and visit.reported_at - visit.created_at <= REPORTED_WITHIN
            note = (
                "24 小时内记下报告"
                if soon
                else ("报告记晚了" if visit.reported_at else "没有记下报告")
            )
            yield RecordLine(visit.on, "有必须立即报告的情况", not soon, note, code)


def _checks(session: Session, frame: Frame, subject: Subject) -> Iterator[RecordLine]:
    query = (
        select(VisitCheck, Visit.on, CaseEntry.code)
        .join(Visit, Visit.id == VisitCheck.visit_id)
        .join(CaseEntry, CaseEntry.id == Visit.case_id)
        .where(
            VisitCheck.person_id == subject.person_id,
            VisitCheck.confirmed.is_not(None),
            Visit.on.between(frame.first, frame.last),
        )
    )
    for check, on, code in session.execute(query):
        word = "属实" if check.confirmed else "不属实"
        yield RecordLine(on, "抽查的走访", bool(check.confirmed), word, code)


def _training(session: Session, frame: Frame, subject: Subject) -> Iterator[RecordLine]:
    levels = rule_of(session, frame.year).levels
    for entry in entries_of(session, subject.person_id):
        if in_year(entry, frame.year, frame.as_of) and entry.kind in TRAINING_KINDS:
            counts = counts_as_training(entry, levels)
            hours = f"{entry.hours.normalize():f} 学时" if entry.hours is not None else "没有学时"
            note = (
                hours
                if counts
                else f"{hours}，{level_label(entry.level) if entry.level else '没有层级'}不计入"
            )
            yield RecordLine(entry.date, entry.title, counts, note)


def _exams(session: Session, frame: Frame, subject: Subject) -> Iterator[RecordLine]:
    """Yields the results, and the exams that the person missed. While nothing was passed, each exam held for them
    counts as 0."""
    held = {e.exam_id: e for e in frame.exams(session, frame) if e.concerns(subject)}
    entries = [
        entry
        for entry in entries_of(session, subject.person_id)
        if entry.kind == "exam" and in_year(entry, frame.year, frame.as_of)
    ]
    nothing_passed = not any(e.score is not None for e in entries if is_passed_exam(e))
    sat = set()
    for entry in entries:
        exam_id = (entry.evidence or {}).get("exam")
        sat.add(exam_id)
        passed = is_passed_exam(entry)
        zero = nothing_passed and exam_id in held
        score = "" if entry.score is None else f"{entry.score.normalize():f} 分"
        note = f"{score} {'合格' if passed else '没合格'}{'，算 0 分' if zero else ''}".strip()
        points = Decimal(0) if zero else entry.score if passed else None
        yield RecordLine(entry.date, entry.title, passed or zero, note, points=points)
    for exam in held.values():
        if exam.exam_id not in sat:
            note = "没有参加，算 0 分" if nothing_passed else "没有参加"
            points = Decimal(0) if nothing_passed else None
            yield RecordLine(exam.closed, exam.title, nothing_passed, note, points=points)


def _activities(session: Session, frame: Frame, subject: Subject) -> Iterator[RecordLine]:
    query = select(Activity).where(
        Activity.person_id == subject.person_id, Activity.on.between(frame.first, frame.last)
    )
    for row in session.scalars(query):
        came = f"孩子 {row.children} 人，大人 {row.adults} 人" if row.held else "还没办"
        yield RecordLine(row.on, f"{THEMES[row.theme]}：{row.title}", row.held, came)


def _tasks(session: Session, frame: Frame, subject: Subject) -> list[tuple[str, date, date | None]]:
    query = select(TaskDone).where(
        TaskDone.person_id == subject.person_id, TaskDone.done_on <= frame.as_of
    )
    done = {(row.task, row.period): row.done_on for row in session.scalars(query)}
    return [
        (title, due, done.get((task, period)))
        for task, period, due, title in task_calendar(session, frame).of(subject)
    ]


def _tasks_done(session: Session, frame: Frame, subject: Subject) -> Iterator[RecordLine]:
    for title, due, on in _tasks(session, frame, subject):
        yield RecordLine(due, title, on is not None, f"{on:%-m月%-d日}做了" if on else "没做")


def _tasks_in_time(session: Session, frame: Frame, subject: Subject) -> Iterator[RecordLine]:
    for title, due, on in _tasks(session, frame, subject):
        late = on is not None and on > due
        note = f"{on:%-m月%-d日}做了{'，晚了' if late else ''}" if on else "没做"
        yield RecordLine(due, title, on is not None and not late, note)


_LINES: dict[str, Callable[[Session, Frame, Subject], Iterable[RecordLine]]] = {
    "visits_on_time_rate": _owed,
    "visit_log_rate": _logged,
    "visits_logged": _all_visits,
    "missed_mandatory_reports": _alarms,
    "visits_checked_rate": _checks,
    "training_hours": _training,
    "exam_score": _exams,
    "activities_held": _activities,
    "activity_themes": _activities,
    "tasks_done_rate": _tasks_done,
    "tasks_on_time_rate": _tasks_in_time,
}
SHOWN = frozenset(_LINES)
