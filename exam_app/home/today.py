"""The to-do list of a director, most pressing first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from exam_app.core.words import plain, span
from exam_app.exams.models import Attempt, Exam
from exam_app.exams.service import exams_for
from exam_app.identity.models import Account
from exam_app.learn.catalog import courses_of
from exam_app.learn.service import Progress, progress_in
from exam_app.practice.service import DAILY, done_on
from exam_app.work.options import duty_steps, known_cadences
from training_records.database import now
from training_records.evaluation.runs import results_of_person
from training_records.events.attendance import attendance_of, check_in_open
from training_records.events.enrolment import events_of_person
from training_records.events.survey import may_answer
from training_records.exemplars.service import exemplars_of
from training_records.inspection.cases import cases_of
from training_records.text import chinese_date
from training_records.work import service as work

WEEK = timedelta(days=7)


@dataclass(frozen=True)
class TodayTask:
    """One item of the list: title, reason, estimated minutes, and the button with its target page."""

    title: str
    why: str
    minutes: int
    button: str
    endpoint: str
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class YearStatus:
    """A person's training status this year: induction passed, credit hours missing, exam passed."""

    inducted: bool
    missing: Decimal
    examined: bool


def tasks_of(
    session: Session,
    account: Account,
    person_id: int,
    *,
    standing: YearStatus,
    today: date,
    zone: ZoneInfo,
) -> list[TodayTask]:
    """Returns the tasks of a director, most pressing first."""
    exams = exams_for(session, person_id)
    available = courses_of(session, account.role, account.division_code)
    courses = {
        p.course.id: p for p in progress_in(session, person_id, available, today=today, zone=zone)
    }
    tasks = [
        *_alarms(session, person_id),
        *_under_way(exams),
        *_events(session, person_id, zone),
        *_courses(courses, standing),
        *_exams(exams, courses, standing),
    ]
    tasks += _visits(session, person_id, today)
    tasks += _requests(session, person_id)
    done = done_on(session, person_id, today, zone=zone)
    if done < DAILY:
        why = "快忘的题先出，练一练，记得更牢。"
        tasks.append(TodayTask(f"今天的 {DAILY - done} 道题", why, 3, "去练习", "practice.daily"))
    return tasks


def _alarms(session: Session, person_id: int) -> Iterator[TodayTask]:
    """Visit findings under mandatory reporting that have no report yet."""
    unreported = work.unreported(session, person_id)
    if unreported:
        why = (
            f"{unreported[0][1].code} 的走访记录里有必须立即报告的情况，还没有记下报告。先打 110。"
        )
        yield TodayTask("立即报告", why, 1, "记下已经报告", "work.visits")


def _requests(session: Session, person_id: int) -> Iterator[TodayTask]:
    """Requests of offices: self-review in the evaluation, consent to a nomination, a returned case."""
    for run, row in results_of_person(session, person_id):
        if row.returned or (run.state == "self_review" and not row.self_comment):
            why = (
                "退回来了，请补上说明。" if row.returned else "分已经算出来了，看一看，写上您的话。"
            )
            page = ("evaluation.mine", {"run_id": run.id})
            yield TodayTask(f"{run.year} 年的自评", why, 10, "去自评", *page)
    if any(e.state == "nominated" for e in exemplars_of(session, person_id)):
        why = "选上以后会公布您的姓名和几句话，要您同意。"
        yield TodayTask("推荐您当典型", why, 2, "看一看", "exemplars.index")
    for case in cases_of(session, person_id):
        if case.state == "returned":
            page = ("cases.show", {"number": case.id})
            yield TodayTask(f"改一改案例“{case.title}”", case.comment or "", 10, "去改", *page)


def _visits(session: Session, person_id: int, today: date) -> Iterator[TodayTask]:
    """Visits due or overdue by their cadence, and tasks that offices assigned."""
    villages = work.villages_of(session, person_id, today)
    due = work.due_list(session, villages, known_cadences(today), today=today)
    overdue = sum(d.state == "overdue" for d in due)
    due_now = sum(d.state in ("due", "contact") for d in due)
    if overdue or due_now:
        why = f"{overdue} 个上期没有走到。" if overdue else "按走访频次，这一期还没有走到。"
        yield TodayTask(f"走访 {overdue + due_now} 个孩子", why, 20, "去走访", "work.log")
    tasks = work.tasks_of(session, person_id, villages, steps=duty_steps(today), today=today)
    open_tasks = [t for t in tasks if t.own and t.done_on is None]
    if open_tasks:
        first = open_tasks[0]
        why = f"上级布置的，{chinese_date(first.due_on)}前做完。"
        yield TodayTask(first.title, why, 10, "去办", "work.tasks")


def _under_way(exams: list[tuple[Exam, list[Attempt]]]) -> Iterator[TodayTask]:
    for _, attempts in exams:
        for attempt in attempts:
            if attempt.state == "in_progress" and attempt.deadline > now():
                minutes = int((attempt.deadline - now()).total_seconds() // 60)
                why = f"您有一场考试没有交卷，还剩 {minutes} 分钟。"
                page = ("exams.take", {"attempt_id": attempt.id})
                yield TodayTask("接着考试", why, minutes, "回到考试", *page)


def _events(session: Session, person_id: int, zone: ZoneInfo) -> Iterator[TodayTask]:
    """Training events the person is approved for: check-in, start within a week, the survey for a week after."""
    page, moment = "check_in.mine", now()
    for event, enrolled in events_of_person(session, person_id):
        if enrolled.state != "approved" or event.state not in ("open", "filed"):
            continue
        if may_answer(session, event, person_id) and moment - event.sessions[-1].ends_at < WEEK:
            survey = ("check_in.questions", {"event_id": event.id})
            yield TodayTask(f"填问卷：{event.title}", "不记名。", 1, "去填", *survey)
        if event.state != "open":
            continue
        attended = attendance_of(session, event).get(person_id, {})
        for event_session in event.sessions:
            if check_in_open(event_session, moment) and event_session.id not in attended:
                why = f"{span(event_session.starts_at, event_session.ends_at, zone)}，{event_session.place or event.place}。到场扫大屏，或出示您的码。"
                yield TodayTask(f"签到：{event_session.title}", why, 1, "我的签到码", page)
                break
        else:
            ahead = [s for s in event.sessions if moment < s.starts_at < moment + WEEK]
            if ahead:
                when = span(ahead[0].starts_at, ahead[0].ends_at, zone)
                place = ahead[0].place or event.place
                yield TodayTask(f"准备参加{event.title}", f"{when}，{place}。", 1, "看安排", page)


def _courses(courses: dict[str, Progress], standing: YearStatus) -> Iterator[TodayTask]:
    for progress in courses.values():
        kind, unit = progress.course.kind, progress.next_unit
        if unit is None or progress.missing:
            continue
        if kind == "induction" and (not standing.inducted or standing.missing):
            why = (
                "今年的学时还没有学够。"
                if standing.inducted
                else "初任考核合格后，才能独立开展工作。"
            )
        elif kind == "annual" and standing.missing and standing.inducted:
            why = f"今年还差 {plain(standing.missing)} 学时。"
        else:
            continue
        done, all_units = len(progress.done) + 1, len(progress.course.units)
        yield TodayTask(
            f"学习：{unit.title}",
            f"{why}第 {done} 个单元，共 {all_units} 个。",
            unit.minutes,
            "接着学习" if progress.done else "开始学习",
            "learn.unit",
            {"course_id": progress.course.id, "unit_id": unit.id},
        )


def _exams(
    exams: list[tuple[Exam, list[Attempt]]], courses: dict[str, Progress], standing: YearStatus
) -> Iterator[TodayTask]:
    if standing.inducted and standing.examined:
        return
    for exam, attempts in exams:
        attempts_left = exam.attempts_allowed - len(attempts)
        open_now = exam.opens_at <= now() < exam.closes_at and not exam.practice
        if not open_now or attempts_left <= 0 or any(a.passed for a in attempts):
            continue
        prerequisites = [p for p in courses.values() if p.course.exam == exam.kind]
        if any(not p.finished for p in prerequisites) and not standing.inducted:
            continue
        why = f"{'课程学完了，可以考试。' if prerequisites else ''}还有 {attempts_left} 次机会。"
        page = ("exams.intro", {"exam_id": exam.id})
        yield TodayTask(f"参加考试：{exam.title}", why, exam.minutes, "去考试", *page)
