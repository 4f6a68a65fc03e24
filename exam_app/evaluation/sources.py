"""Measures computed from the application's own tables, and the frame of an evaluation."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal

from sqlalchemy import DateTime, func, select, type_coerce
from sqlalchemy.orm import Session

from exam_app.config import Config
from exam_app.exams.models import Exam
from exam_app.practice.models import PracticeAnswer
from exam_app.work.options import duty_steps, known_cadences, visit_options
from training_records.divisions import prefix_of
from training_records.errors import Refused
from training_records.evaluation.catalogue import CATALOGUE, Measure
from training_records.evaluation.frames import thaw
from training_records.evaluation.measures import ExamHeld, Frame, Source, Subject
from training_records.evaluation.models import EvaluationRun
from training_records.evaluation.scheme import Scheme

PRACTICE_DAYS = Measure(
    "practice_days",
    "每日一练天数",
    "天",
    "当年练过每日一练的天数",
    "练习记录",
    "没有的算 0",
)


def frame_of(prefix: str, year: int, as_of: date, *, config: Config) -> Frame:
    """Returns the frame of a division and year up to `as_of`, with the facts in force on its last day."""
    day = min(as_of, date(year, 12, 31))
    checks = len(visit_options(day).checks)
    return Frame(
        *(prefix, year, as_of, known_cadences(day), duty_steps(day), checks, config.zone),
        exams_held,
    )


def frame_of_run(run: EvaluationRun, config: Config) -> Frame:
    """Returns the frame frozen when the run began, or today's for runs of versions that did not store it."""
    frame = frame_of(prefix_of(run.division_code), run.year, run.as_of, config=config)
    return frame if run.facts is None else thaw(frame, run.facts)


def _practice_days(session: Session, frame: Frame, subjects: dict[int, Subject]) -> None:
    start = datetime.combine(frame.first, time(0), frame.zone)
    end = datetime.combine(frame.last + timedelta(days=1), time(0), frame.zone)
    hours = int((start.utcoffset() or timedelta(0)).total_seconds() // 3600)
    day = (
        func.date(PracticeAnswer.answered_at, f"{hours:+d} hours")
        if session.get_bind().dialect.name == "sqlite"
        else func.date(type_coerce(PracticeAnswer.answered_at, DateTime) + timedelta(hours=hours))
    )
    query = (
        select(PracticeAnswer.person_id, func.count(day.distinct()))
        .where(
            PracticeAnswer.daily,
            PracticeAnswer.answered_at >= start,
            PracticeAnswer.answered_at < end,
        )
        .group_by(PracticeAnswer.person_id)
    )
    days_by_person = dict(session.execute(query).all())
    for person, subject in subjects.items():
        subject.measures["practice_days"] = Decimal(days_by_person.get(person, 0))


def exams_held(session: Session, frame: Frame) -> list[ExamHeld]:
    """Returns the exams, practice excluded, that closed within the frame."""
    start = datetime.combine(frame.first, time(0), frame.zone)
    end = datetime.combine(frame.last + timedelta(days=1), time(0), frame.zone)
    query = select(Exam.id, Exam.division_code, Exam.title, Exam.opens_at, Exam.closes_at).where(
        Exam.practice.is_(False), Exam.closes_at >= start, Exam.closes_at < end
    )
    return [
        ExamHeld(
            number,
            prefix_of(code),
            title,
            opens.astimezone(frame.zone).date(),
            closes.astimezone(frame.zone).date(),
        )
        for number, code, title, opens, closes in session.execute(query)
    ]


SOURCES: tuple[Source, ...] = (_practice_days,)
KNOWN = {measure.name: measure for measure in (*CATALOGUE, PRACTICE_DAYS)}


def check_known(scheme: Scheme) -> None:
    """Raises `Refused` if the scheme uses an unknown measure."""
    unknown = [m for m in scheme.measures if m not in KNOWN]
    if unknown:
        raise Refused(
            f"方案里的 {'、'.join(unknown)} 不是系统能算的指标。能用的有：{'、'.join(KNOWN)}"
        )
