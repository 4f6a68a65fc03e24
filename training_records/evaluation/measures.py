"""The catalogue of measures: what each is, and its value for everyone from the records as of a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import case as sql_case
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from training_records.archive.models import ArchiveEntry, effective
from training_records.coverage.rules import TRAINING_KINDS, rule_of
from training_records.divisions import prefix_of, within
from training_records.ledger.absence import absences_in, without
from training_records.ledger.models import Post
from training_records.work.cadence import Cadence, name_of, owed, paid, periods, strictest
from training_records.work.checking import LEAST
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

TENTH = Decimal("0.1")
# A visit is logged properly within a week of it.
LOGGED_WITHIN = timedelta(days=7)
REPORTED_WITHIN = timedelta(hours=24)


@dataclass(frozen=True)
class Measure:
    """A measure as anyone may read it: name in schemes, title, unit, what it is, where it comes from, what happens at
    its edges."""

    name: str
    title: str
    unit: str
    definition: str
    source: str
    edges: str = "没有可算的就是“没有数据”"


CATALOGUE: tuple[Measure, ...] = (
    Measure(
        "visits_on_time_rate",
        "按时走访率",
        "比例",
        "应走访的次数里按时走到的占多少。每个对象按类别每月或每季应走 1 次,任职期间的完整月、季才算",
        "走访记录、走访对象",
        "对象在名单里不到半个周期的不算应走;请假满 30 天的,请假的日子按不在任算;一村两人的,谁走都算,指定了人的只算指定的人;没有对象就没有数据",
    ),
    Measure(
        "visit_log_rate",
        "走访记录完整率",
        "比例",
        "走访里,7 天内记下、各项都填了的占多少",
        "走访记录",
    ),
    Measure(
        "visits_checked_rate",
        "抽查属实率",
        "比例",
        "儿童督导员随机抽查的走访里属实的占多少;谁都能用同一个种子重抽",
        "走访抽查",
        "查过的不足 3 次就是“没有数据”",
    ),
    Measure(
        "missed_mandatory_reports",
        "应报告未报告",
        "次",
        "走访时看到必须立即报告的情况,24 小时内没有记下向公安机关报告的次数",
        "走访记录",
        "没有走访记录的算 0",
    ),
    Measure(
        "visits_logged", "走访次数", "次", "当年记下的走访和联系次数", "走访记录", "没有的算 0"
    ),
    Measure(
        "training_hours",
        "年度学时",
        "学时",
        "当年计入覆盖率的培训学时(层级按当年规则)",
        "培训档案",
        "没有的算 0",
    ),
    Measure(
        "exam_score",
        "考试成绩",
        "分",
        "当年通过的考试里最高的一次",
        "培训档案、考试安排",
        "在任期间组织过考试而没有通过、没有参加的算 0;没有组织过考试就没有数据",
    ),
    Measure(
        "induction_passed", "初任考核合格", "0 或 1", "到这一天为止初任考核是不是合格过", "培训档案"
    ),
    Measure("activities_held", "办活动次数", "次", "当年办过的活动", "活动记录", "没有的算 0"),
    Measure(
        "activity_themes", "活动主题数", "个", "当年办过的活动有几种主题", "活动记录", "没有的算 0"
    ),
    Measure(
        "tasks_done_rate",
        "任务完成率",
        "比例",
        "到期的任务(职责清单每月、每季、每年的事,上级布置的事)里做了的占多少",
        "任务记录",
    ),
    Measure("tasks_on_time_rate", "任务按时率", "比例", "到期的任务里按期做了的占多少", "任务记录"),
    Measure(
        "satisfaction_mean",
        "满意度",
        "1–5 分",
        "服务对象匿名打分的平均,向全区平均收拢:(份数×本人平均+10×全区平均)÷(份数+10)",
        "满意度调查",
        "不足 5 份就是“没有数据”",
    ),
)


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
class Frame:
    """What is looked at: a division, a year up to a day, cadences and duty steps, how many checks a whole visit
    answers, the time zone."""

    prefix: str
    year: int
    as_of: date
    cadences: Mapping[str, Cadence]
    steps: Sequence[Mapping[str, Any]]
    checks: int
    zone: ZoneInfo

    @property
    def first(self) -> date:
        return date(self.year, 1, 1)

    @property
    def last(self) -> date:
        return min(date(self.year, 12, 31), self.as_of)


Source = Callable[[Session, Frame, dict[int, Subject]], None]
"""Fills in measures of subjects from some records."""


def subjects_of(session: Session, frame: Frame) -> dict[int, Subject]:
    """Directors of a division who were in post in the year; each counts where their latest post in it is. Time on
    leave is no time in post."""
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
    """Everyone of a division with all measures. `more`: sources of other rooms (practice, satisfaction)."""
    subjects = subjects_of(session, frame)
    for source in (*_SOURCES, *more):
        source(session, frame, subjects)
    return subjects


def rate(part: int, whole: int) -> Decimal | None:
    """A share to 4 decimals, half-up; None of nothing."""
    if whole == 0:
        return None
    return (Decimal(part) / whole).quantize(Decimal("0.0001"), ROUND_HALF_UP)


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


def _cases(session: Session, frame: Frame) -> Iterator[Any]:
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
        select(Visit.person_id, Visit.on, Visit.at, Visit.findings, Visit.alarm, Visit.reported_at)
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
    rule = rule_of(session, frame.year)
    counted = (
        ArchiveEntry.kind.in_(TRAINING_KINDS)
        & ArchiveEntry.level.in_(rule.levels)
        & (ArchiveEntry.date >= frame.first)
    )
    passed = (ArchiveEntry.kind == "exam") & ArchiveEntry.passed.is_(True)
    this_year = passed & (ArchiveEntry.date >= frame.first)
    inducted = passed & ArchiveEntry.induction.is_(True)
    people = select(Post.person_id).where(
        Post.role == "director", within(Post.division_code, frame.prefix)
    )
    query = (
        select(
            ArchiveEntry.person_id,
            func.sum(sql_case((counted, ArchiveEntry.hours), else_=None)),
            func.max(sql_case((this_year, ArchiveEntry.score), else_=None)),
            func.max(sql_case((inducted, 1), else_=0)),
        )
        .where(effective(), ArchiveEntry.date <= frame.last, ArchiveEntry.person_id.in_(people))
        .group_by(ArchiveEntry.person_id)
    )
    found = {person: rest for person, *rest in session.execute(query)}
    for person, subject in subjects.items():
        hours, score, inducted_ = found.get(person, (None, None, 0))
        subject.measures["training_hours"] = _number(hours) or Decimal(0)
        subject.measures["exam_score"] = _number(score)
        subject.measures["induction_passed"] = Decimal(inducted_ or 0)


def _number(value: Any) -> Decimal | None:
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


def _tasks(session: Session, frame: Frame, subjects: dict[int, Subject]) -> None:
    """Tasks whose day has come while the person was in post: done at all, done in time."""
    rhythm = [
        (step["id"], name_of(first, MONTHS[step["rhythm"]]), last)
        for step in frame.steps
        if step["rhythm"] in MONTHS
        for first, last in periods(frame.first, frame.last, MONTHS[step["rhythm"]])
        if last <= frame.last
    ]
    given = [
        (f"office-{row.id}", row.division_code, row.due_on)
        for row in session.scalars(
            select(OfficeTask).where(
                OfficeTask.withdrawn.is_(False), OfficeTask.due_on.between(frame.first, frame.last)
            )
        )
    ]
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
        wanted = [(task, period, due) for task, period, due in rhythm if _held(subject, due)]
        wanted += [
            (task, "once", due)
            for task, code, due in given
            if any(
                w.village.startswith(prefix_of(code)) and w.start <= due <= w.end
                for w in subject.windows
            )
        ]
        for task, period, due in wanted:
            ticked_on = own.get((task, period))
            whole += 1
            ticked += ticked_on is not None
            in_time += ticked_on is not None and ticked_on <= due
        subject.measures["tasks_done_rate"] = rate(ticked, whole)
        subject.measures["tasks_on_time_rate"] = rate(in_time, whole)


def _held(subject: Subject, day: date) -> bool:
    return any(w.start <= day <= w.end for w in subject.windows)


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
        enough = len(own) >= LEAST
        subject.measures["visits_checked_rate"] = rate(sum(own), len(own)) if enough else None


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
