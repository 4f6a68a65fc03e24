"""Pages of learning: courses, units, practice."""

from __future__ import annotations

import random

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.bank.service import current_bank
from exam_app.exams.administration import reserved_items
from exam_app.kb.facts import Course, get_course, load_facts, required_points
from exam_app.kb.pages import page_html
from exam_app.learn.service import (
    Choice,
    check_practice,
    find_unit,
    finish_unit,
    open_unit,
    parts,
    practice_set,
    progress,
    wait_left,
)
from exam_app.scope import LEARNERS, access
from question_bank import load_pool
from training_records.errors import NotFound, Refused

learn = Blueprint("learn", __name__)
SOCIAL_WORK = "社工方法"


def _course(course_id: str) -> Course:
    course = get_course(course_id)
    if course is None:
        raise NotFound("没有这门课")
    return course


@learn.get("/learn")
@access(LEARNERS)
def index() -> str:
    person = web.person_id()
    return render_template(
        "learn/index.html", courses=[progress(web.db(), person, c) for c in load_facts().courses]
    )


@learn.get("/learn/<course_id>/<unit_id>")
@access(LEARNERS)
@web.writes
def unit(course_id: str, unit_id: str) -> str:
    course = _course(course_id)
    found = find_unit(course, unit_id)
    row = open_unit(web.db(), web.person_id(), course, found)
    web.db().commit()
    state = progress(web.db(), web.person_id(), course)
    left = wait_left(row, found, web.config().study_pace)
    return render_template(
        "learn/unit.html",
        course=course,
        unit=found,
        progress=state,
        done=unit_id in state.done,
        pages=[(name, page_html(name)) for name in found.pages],
        number=course.units.index(found) + 1,
        wait=-(-int(left.total_seconds()) // 60),
    )


@learn.post("/learn/<course_id>/<unit_id>")
@access(LEARNERS)
def finish(course_id: str, unit_id: str) -> Response:
    course = _course(course_id)
    found = find_unit(course, unit_id)
    try:
        finished = finish_unit(
            web.db(), web.person_id(), course, found, web.config().study_pace, web.config().zone
        )
    except Refused as refused:
        web.db().rollback()
        flash(str(refused))
        return redirect(url_for("learn.unit", course_id=course_id, unit_id=unit_id))
    web.db().commit()
    if finished:
        flash("这门课学完了,学时已记入您的培训档案。接下来可以考试。")
        return redirect(url_for("learn.index"))
    following = progress(web.db(), web.person_id(), course).next_unit
    flash(f"“{found.title}”学完了,保存好了。")
    if following:
        return redirect(url_for("learn.unit", course_id=course_id, unit_id=following.id))
    return redirect(url_for("learn.index"))


@learn.route("/practice", methods=["GET", "POST"])
@access(LEARNERS)
def practice() -> str:
    topics = list(load_facts().topics.values())
    wanted = {name: request.values.get(name, "")[:60] for name in ("topic", "page", "point")}
    if wanted["topic"] not in topics:
        wanted["topic"] = ""
    choice = Choice(**wanted)
    reserved = reserved_items(web.db())
    if request.method == "POST":
        questions = current_bank()
        # A key of an exam that is open stays out of reach, whatever the form asks for.
        shown = [
            questions[i]
            for i in request.form.getlist("item")[:20]
            if i in questions.questions and i not in reserved
        ]
        marked = [part for q in shown for part in check_practice(q, request.form.getlist)]
        right = sum(part.right for part in marked)
        return render_template(
            "learn/practice.html", marked=marked, right=right, choice=choice, topics=topics
        )
    pool = load_pool("social-work" if choice.topic == SOCIAL_WORK else "daily")
    drawn = practice_set(
        pool.of(current_bank().reviewed()), reserved, choice, random.SystemRandom()
    )
    return render_template(
        "learn/practice.html",
        questions=[(q, parts(q)) for q in drawn],
        choice=choice,
        about=required_points()[choice.point].title if choice.point in required_points() else "",
        topics=topics,
    )
