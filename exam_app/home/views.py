"""The first page: what to do now (director), how things stand (office)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, render_template, url_for
from sqlalchemy import text

from exam_app import web
from exam_app.coverage.views import running_report
from exam_app.exams.service import exams_for
from exam_app.kb.facts import load_facts
from exam_app.learn.service import progress
from exam_app.migrate import is_current
from exam_app.scope import EVERYONE, PUBLIC, access
from training_records.archive.service import entries_of
from training_records.coverage.rules import TRAINING_KINDS, rule_of
from training_records.database import now
from training_records.divisions import full_name, prefix_of
from training_records.ledger.service import current_post, search_people, vacancies

home = Blueprint("home", __name__)


@home.get("/")
@access(EVERYONE)
def index() -> str:
    if web.account().role == "director":
        return render_template("home/director.html", **_director(web.person_id()))
    division = web.scope().division(web.db(), None)
    report = running_report(division.code)
    soon = web.today() + timedelta(days=30)
    _, due = search_people(web.db(), prefix_of(division.code), on=web.today(), limit=0, due_by=soon)
    return render_template(
        "home/office.html",
        division=division,
        report=report,
        due=due,
        vacancies=vacancies(web.db(), prefix_of(division.code), web.today(), 0)[1],
    )


def _director(person_id: int) -> dict[str, Any]:
    """Post, the one thing to do now, and this year's hours."""
    session = web.db()
    post = current_post(session, person_id, web.today())
    entries = entries_of(session, person_id)
    year = web.today().year
    rule = rule_of(session, year)
    hours = sum(
        (
            e.hours or Decimal(0)
            for e in entries
            if e.date.year == year and e.kind in TRAINING_KINDS and e.level in rule.levels
        ),
        Decimal(0),
    )
    exam_passed = any(e.kind == "exam" and e.passed and e.date.year == year for e in entries)
    inducted = any(e.kind == "exam" and e.passed and e.induction for e in entries)
    return {
        "post": post,
        "place": full_name(session, post.division_code) if post else "",
        "hours": hours,
        "needed": rule.hours,
        "exam_passed": exam_passed,
        "inducted": inducted,
        "task": _now(person_id, inducted, hours >= rule.hours, exam_passed),
    }


def _now(person_id: int, inducted: bool, enough: bool, exam_passed: bool) -> dict[str, Any]:
    session = web.db()
    exams = exams_for(session, person_id)
    for _exam, attempts in exams:
        for attempt in attempts:
            if attempt.state == "in_progress" and attempt.deadline > now():
                left = int((attempt.deadline - now()).total_seconds() // 60)
                return {
                    "title": "接着考试",
                    "why": f"您有一场考试没有交卷,还剩 {left} 分钟。",
                    "minutes": left,
                    "button": "回到考试",
                    "url": url_for("exams.take", attempt_id=attempt.id),
                }
    course = load_facts().courses[0]
    learning = progress(session, person_id, course)
    if (not inducted or not enough) and not learning.finished:
        unit = learning.next_unit
        assert unit  # noqa: S101 (an unfinished course has a next unit)
        why = "初任考核合格后,才能独立开展工作。" if not inducted else "今年的学时还没有学够。"
        return {
            "title": f"学习:{unit.title}",
            "why": f"{why}第 {len(learning.done) + 1} 个单元,共 {len(course.units)} 个。",
            "minutes": unit.minutes,
            "button": "开始学习",
            "url": url_for("learn.unit", course_id=course.id, unit_id=unit.id),
        }
    if not inducted or not exam_passed:
        for exam, attempts in exams:
            left = exam.attempts_allowed - len(attempts)
            if (
                exam.opens_at <= now() < exam.closes_at
                and left > 0
                and not any(a.passed for a in attempts)
            ):
                return {
                    "title": f"参加考试:{exam.title}",
                    "why": f"课程学完了,可以考试。还有 {left} 次机会。",
                    "minutes": exam.minutes,
                    "button": "去考试",
                    "url": url_for("exams.intro", exam_id=exam.id),
                }
    return {
        "title": "每天练 5 题",
        "why": "该学的都学完了。练一练,记得更牢。",
        "minutes": 3,
        "button": "去练习",
        "url": url_for("learn.practice"),
    }


@home.get("/healthz")
@access(PUBLIC)
def healthz() -> Response:
    return jsonify({"status": "ok"})


@home.get("/readyz")
@access(PUBLIC)
def readyz() -> tuple[Response, int]:
    web.db().execute(text("SELECT 1"))
    current = is_current(current_app.extensions["engine"])
    return jsonify(
        {"status": "ready" if current else "migrations pending"}
    ), 200 if current else 503
