"""Pages of the exams."""

from __future__ import annotations

import secrets
from datetime import datetime, time

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.bank.service import current_bank
from exam_app.exams import administration, marking, service
from exam_app.exams.appeals import appeals_of, doubt
from exam_app.exams.forms import DoubtForm, ExamSettingsForm, StartForm
from exam_app.exams.models import Exam
from exam_app.exams.windows import left
from exam_app.web.access import LEARNERS, MANAGERS, access
from question_bank import InfeasibleBlueprint, load_blueprint
from question_bank.blueprint import BLUEPRINTS
from training_records.database import now
from training_records.errors import NotFound, Refused
from training_records.facts.loading import load_facts

exams = Blueprint("exams", __name__)


@exams.get("/exams")
@access(LEARNERS)
@web.writes
def index() -> str:
    rows = service.exams_for(web.db(), web.person_id())
    for _, attempts in rows:
        for attempt in attempts:
            service.close_if_overdue(web.db(), attempt, web.config().zone)
    web.db().commit()
    return render_template("exams/index.html", exams=rows, at=now(), left=left)


@exams.get("/exams/<int:exam_id>")
@access(LEARNERS)
def intro(exam_id: int) -> str:
    exam, attempts = service.get_exam(web.db(), exam_id, web.person_id())
    granted = service.accommodation_of(web.db(), exam.id, web.person_id())
    return render_template(
        "exams/intro.html",
        exam=exam,
        attempts=attempts,
        form=StartForm.shown(),
        at=now(),
        left=left,
        extra=granted.extra_minutes if granted else 0,
    )


@exams.post("/exams/<int:exam_id>")
@access(LEARNERS)
def begin(exam_id: int) -> Response:
    service.get_exam(web.db(), exam_id, web.person_id())
    path, form, begun = url_for("exams.intro", exam_id=exam_id), StartForm.typed(), list[int]()

    def verb() -> None:
        attempt = service.start(web.db(), exam_id, web.person_id(), holder=web.session_hash())
        begun.append(attempt.id)

    return web.carry_out(
        verb,
        path,
        page=lambda: intro(exam_id),
        form=form,
        target=lambda: url_for("exams.take", attempt_id=begun[0]),
    )


@exams.get("/exams/attempts/<int:attempt_id>")
@access(LEARNERS)
@web.writes
def take(attempt_id: int) -> str | Response:
    attempt = service.get_attempt(web.db(), attempt_id, web.person_id())
    service.close_if_overdue(web.db(), attempt, web.config().zone)
    web.db().commit()
    if attempt.state != "in_progress":
        return redirect(url_for("exams.result", attempt_id=attempt_id))
    granted = service.accommodation_of(web.db(), attempt.exam_id, attempt.person_id)
    large = bool(granted and granted.large_print)
    return render_template("exams/take.html", attempt=attempt, exam=attempt.exam, large=large)


@exams.get("/exams/attempts/<int:attempt_id>/result")
@access(LEARNERS)
def result(attempt_id: int) -> str | Response:
    attempt = service.get_attempt(web.db(), attempt_id, web.person_id())
    if attempt.state == "in_progress":
        return redirect(url_for("exams.take", attempt_id=attempt_id))
    if attempt.state != "released":
        return render_template("exams/waiting.html", attempt=attempt, exam=attempt.exam)
    rows = marking.result(web.db(), attempt)
    attempts = service.get_exam(web.db(), attempt.exam_id, web.person_id())[1]
    return render_template(
        "exams/result.html",
        attempt=attempt,
        exam=attempt.exam,
        rows=rows,
        as_seen=marking.as_seen,
        weak=marking.weak_topics(rows),
        left=left(attempt.exam, attempts),
        clauses=load_facts().clauses,
        doubts=appeals_of(web.db(), attempt_id),
        doubt=DoubtForm.shown(),
    )


@exams.post("/exams/attempts/<int:attempt_id>/doubt")
@access(LEARNERS)
def make_doubt(attempt_id: int) -> Response:
    attempt = service.get_attempt(web.db(), attempt_id, web.person_id())
    form = DoubtForm.typed()

    def verb() -> str:
        doubt(web.db(), attempt, form.text.got)
        web.audit("exam.doubt", f"attempt:{attempt_id}")
        return "复核申请交上去了。民政部门答复后，在这一页能看到。"

    path = url_for("exams.result", attempt_id=attempt_id)
    return web.carry_out(verb, path, page=lambda: result(attempt_id), form=form)


@exams.get("/exams/manage")
@access(MANAGERS)
def manage() -> str:
    prefix = web.scope().prefix
    rows = [
        (exam, administration.exam_counts(web.db(), exam.id, prefix))
        for exam in administration.exams_for_office(web.db(), prefix)
    ]
    return render_template(
        "exams/manage.html",
        rows=rows,
        form=ExamSettingsForm.shown(blueprint=_blueprints()),
        at=now(),
    )


@exams.post("/exams/manage")
@access(MANAGERS)
def create() -> Response:
    form = ExamSettingsForm.typed(blueprint=_blueprints())

    def verb() -> str:
        try:
            exam = _create(form)
        except InfeasibleBlueprint as error:
            raise Refused(str(error)) from None
        web.audit("exam.create", f"exam:{exam.id}", {"blueprint": form.blueprint.data})
        return f"考试“{exam.title}”建好了，{web.chinese_date(exam.opens_at)}起可以考。"

    return web.carry_out(verb, url_for("exams.manage"), page=manage, form=form)


def _blueprints() -> list[tuple[str, str]]:
    return [(p.stem, load_blueprint(p).title) for p in sorted(BLUEPRINTS.glob("*.yaml"))]


def _create(form: ExamSettingsForm) -> Exam:
    name = form.blueprint.got
    if name not in dict(_blueprints()):
        raise NotFound("没有这个命题蓝图")
    zone, division = web.config().zone, web.scope().division(web.db(), None)
    return administration.create_exam(
        web.db(),
        current_bank().reviewed(),
        load_blueprint(name),
        title=form.title.got,
        kind="induction" if name == "induction" else name,
        division_code=division.code,
        organiser="青岛市民政局" if division.level == "city" else f"{division.name}民政局",
        level="city" if division.level == "city" else "district",
        opens_at=datetime.combine(form.opens.got, time(0), zone),
        closes_at=datetime.combine(form.closes.got, time(23, 59, 59), zone),
        forms=form.forms.data or 1,
        shuffled=bool(form.shuffled.data),
        counts=str(form.counts.data),
        release=str(form.release.data),
        practice=bool(form.practice.data),
        double_marking=bool(form.double_marking.data),
        attempts_allowed=form.attempts.data or 1,
        created_by=web.actor(),
        seed=secrets.randbelow(2**31),
    )
