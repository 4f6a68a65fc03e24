"""Pages of an exam for the office and the invigilator: live board, sittings, extra time, results."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms.fields.choices import SelectChoice

from exam_app import web
from exam_app.exams import administration, invigilation
from exam_app.exams.appeals import answer, doubts_about
from exam_app.exams.forms import DecisionForm, GrantForm, SittingForm, faults
from exam_app.exams.marking_queue import record_mark, unmarked_answers
from exam_app.exams.models import Attempt, Exam
from exam_app.exams.states import WORDS
from exam_app.exams.summary import analysis, rapid_responders, similar_pairs_in, summary
from exam_app.web.access import MANAGERS, access
from training_records.database import now
from training_records.divisions import division_names
from training_records.errors import NotFound, Refused
from training_records.ledger.service import id_of_phone

rooms = Blueprint("rooms", __name__, url_prefix="/exams/manage/<int:exam_id>")
SIGNS = {"in_progress": "wait", "submitted": "plainly", "marked": "plainly", "released": "good"}


def _exam(exam_id: int, own: bool = False) -> Exam:
    return administration.exam_within(web.db(), exam_id, web.scope().prefix, own=own)


def _divisions(exam: Exam) -> list[SelectChoice]:
    divisions = administration.divisions_sharing(web.db(), exam, web.scope().prefix)
    return [SelectChoice(code, name) for code, name in divisions]


def _ok(exam: Exam, text: str) -> Response:
    return web.redirect_ok(text, url_for("rooms.room", exam_id=exam.id))


def _refused(exam: Exam, text: str) -> Response:
    return web.redirect_refused(text, url_for("rooms.room", exam_id=exam.id))


@rooms.get("")
@access(MANAGERS)
def room(exam_id: int) -> str:
    exam = _exam(exam_id)
    sitting, grant, decision = SittingForm(), GrantForm(), DecisionForm()
    board = _board(exam)
    decision.attempt.choices = [SelectChoice("0", "请选一个人")] + [
        SelectChoice(str(r["id"]), f"{r['name']}，{r['village']}，{r['word']}")
        for r in board["rows"]
    ]
    sitting.division.choices = _divisions(exam)
    return render_template(
        "exams/room.html",
        exam=exam,
        mine=exam.division_code.startswith(web.scope().prefix),
        board=board,
        decision=decision,
        to_mark=sum(
            1
            for _ in unmarked_answers(
                web.db(), exam, web.scope().prefix, account_id=web.account().id
            )
        ),
        doubts=doubts_about(web.db(), exam, web.scope().prefix),
        result=summary(web.db(), exam, web.scope().prefix),
        sitting=sitting,
        grant=grant,
        granted=invigilation.grants_of(web.db(), exam, web.scope().prefix),
        at=now(),
    )


@rooms.get("/board.json")
@access(MANAGERS)
def board(exam_id: int) -> Response:
    return jsonify(_board(_exam(exam_id)))


def _board(exam: Exam) -> dict[str, Any]:
    """The board as display values."""
    board_rows = invigilation.board(web.db(), exam, web.scope().prefix)
    names, at = division_names(web.db(), web.scope().prefix), now()
    rows = [
        {
            "id": row.attempt_id,
            "name": row.name,
            "village": names.get(row.village, row.village),
            "state": row.state,
            "word": "没有动静" if row.quiet else WORDS[row.state],
            "sign": "bad" if row.quiet else SIGNS.get(row.state, "bad"),
            "answered": f"{row.answered} / {row.questions}",
            "last": _clock(row.last_save),
            "left": row.left,
            "minutes": max(round((row.deadline - at).total_seconds() / 60), 0)
            if row.state == "in_progress"
            else None,
        }
        for row in board_rows
    ]
    return {
        "rows": rows,
        "running": sum(row.state == "in_progress" for row in board_rows),
        "quiet": sum(row.quiet for row in board_rows),
        "done": sum(row.state in ("submitted", "marked", "released") for row in board_rows),
        "waiting": sum(row.state == "marked" for row in board_rows),
        "at": _clock(at),
    }


def _clock(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(web.config().zone):%H:%M:%S}"


@rooms.get("/analysis.<kind>")
@access(MANAGERS)
@web.report
def analyse(exam_id: int, kind: str) -> Response:
    """The item analysis, as an HTML file or a workbook."""
    if kind not in ("html", "xlsx"):
        raise NotFound("只有 html 和 xlsx 两种")
    exam = _exam(exam_id)
    page, book = analysis(web.db(), exam, web.scope().prefix, day=web.today())
    data, mime = (page, "text/html") if kind == "html" else (book, web.XLSX)
    return web.attachment(data, mime, f"{exam.title}-题目分析.{kind}")


@rooms.get("/alike")
@access(MANAGERS)
@web.report
def look_alike(exam_id: int) -> str:
    """Pairs within a village with improbably similar wrong answers, and answers too rapid to be considered."""
    exam = _exam(exam_id)
    prefix = web.scope().prefix
    return render_template(
        "exams/alike.html",
        exam=exam,
        pairs=similar_pairs_in(web.db(), exam, prefix),
        hasty=rapid_responders(web.db(), exam, prefix),
    )


@rooms.post("/decide")
@access(MANAGERS)
def decide(exam_id: int) -> Response:
    """Extends one or all attempts, voids or reopens one; each with a reason."""
    exam, form = _exam(exam_id), DecisionForm()
    if not form.validate_on_submit():
        return _refused(exam, faults(form))
    what, reason, minutes = str(form.what.data), str(form.reason.data), form.minutes.data or 0
    prefix = web.scope().prefix
    try:
        if what == "extend_all":
            count = invigilation.extend_all(
                web.db(), exam, prefix, minutes=minutes, actor=web.actor(), reason=reason
            )
            message = f"给正在考的 {count} 人各延长了 {minutes} 分钟"
        else:
            attempt = invigilation.attempt_within(web.db(), form.attempt.data or 0, prefix)
            if attempt.exam_id != exam.id:
                raise NotFound("没有这次作答")
            message = _decide(attempt, what, minutes, reason=reason)
    except Refused as error:
        return _refused(exam, str(error))
    detail = {"exam": exam.id, "attempt": form.attempt.data, "minutes": minutes, "reason": reason}
    web.audit(f"exam.{what}", f"exam:{exam.id}", detail)
    return _ok(exam, message)


def _decide(attempt: Attempt, what: str, minutes: int, *, reason: str) -> str:
    if what == "extend":
        invigilation.extend(web.db(), attempt, minutes, actor=web.actor(), reason=reason)
        return f"延长了 {minutes} 分钟"
    if what == "void":
        invigilation.void_attempt(web.db(), attempt, web.actor(), reason=reason)
        return "这次作答作废了，记录还在；本人可以再考一次"
    invigilation.reopen(web.db(), attempt, minutes, actor=web.actor(), reason=reason)
    return f"重新打开了，还有 {minutes} 分钟"


@rooms.post("/sittings")
@access(MANAGERS)
def add_sitting(exam_id: int) -> Response:
    exam, form = _exam(exam_id, own=True), SittingForm()
    form.division.choices = _divisions(exam)
    if not form.validate_on_submit():
        return _refused(exam, faults(form))
    zone = web.config().zone
    try:
        sitting = invigilation.add_sitting(
            web.db(),
            exam,
            title=str(form.title.data),
            place=form.place.data,
            opens_at=form.opens.data.replace(tzinfo=zone),
            closes_at=form.closes.data.replace(tzinfo=zone),
            capacity=form.capacity.data,
            division_code=str(form.division.data),
            make_up=bool(form.make_up.data),
        )
    except Refused as error:
        return _refused(exam, str(error))
    web.audit("exam.sitting", f"exam:{exam.id}", {"sitting": sitting.id})
    return _ok(exam, f"场次“{sitting.title}”加好了")


@rooms.post("/grants")
@access(MANAGERS)
def grant(exam_id: int) -> Response:
    exam, form = _exam(exam_id), GrantForm()
    if not form.validate_on_submit():
        return _refused(exam, faults(form))
    person_id = id_of_phone(web.db(), form.phone.data)
    try:
        if person_id is None:
            raise Refused("台账里没有这个手机号，请先在台账里查对")
        person = web.scope().person(web.db(), person_id)
        invigilation.grant(
            web.db(),
            exam,
            person,
            extra_minutes=form.minutes.data or 0,
            large_print=bool(form.large_print.data),
            reason=str(form.reason.data),
            actor=web.actor(),
        )
    except Refused as error:
        return _refused(exam, str(error))
    web.audit("exam.grant", f"exam:{exam.id}", {"person": person.id, "minutes": form.minutes.data})
    return _ok(exam, "记下了，下次开始考试时生效")


@rooms.post("/doubts/<int:appeal_id>")
@access(MANAGERS)
def answer_doubt(exam_id: int, appeal_id: int) -> Response:
    exam = _exam(exam_id)
    text = request.form.get("answer", "")
    try:
        answer(web.db(), exam, web.scope().prefix, appeal_id=appeal_id, text=text, by=web.actor())
    except Refused as error:
        return _refused(exam, str(error))
    web.audit("exam.appeal", f"exam:{exam.id}", {"appeal": appeal_id})
    return _ok(exam, "答复好了，本人在成绩页能看到")


@rooms.get("/marking")
@access(MANAGERS)
def marking(exam_id: int) -> str:
    """The next written answer to mark, anonymous."""
    exam = _exam(exam_id)
    unmarked = list(
        unmarked_answers(web.db(), exam, web.scope().prefix, account_id=web.account().id)
    )
    return render_template(
        "exams/marking.html", exam=exam, left=len(unmarked), one=next(iter(unmarked), None)
    )


@rooms.post("/marking")
@access(MANAGERS)
def give_mark(exam_id: int) -> Response:
    exam, form = _exam(exam_id), request.form
    try:
        record_mark(
            web.db(),
            exam,
            web.scope().prefix,
            attempt_id=int(form.get("attempt", "0")),
            slot=form.get("slot", ""),
            account_id=web.account().id,
            share=float(form.get("share", "-1")),
            comment=form.get("comment", ""),
            zone=web.config().zone,
        )
    except (ValueError, Refused) as error:
        web.db().rollback()
        flash(str(error) if isinstance(error, Refused) else "请选一个得分比例")
    else:
        detail = {"attempt": form.get("attempt"), "slot": form.get("slot")}
        web.audit("exam.mark", f"exam:{exam.id}", detail)
        web.db().commit()
    return redirect(url_for("rooms.marking", exam_id=exam.id))


@rooms.post("/release")
@access(MANAGERS)
def release(exam_id: int) -> Response:
    exam = _exam(exam_id, own=True)
    if request.form.get("sure") != "1":
        return _refused(exam, "请先勾选“确认公布”")
    count = invigilation.release_all(web.db(), exam, web.actor(), zone=web.config().zone)
    web.audit("exam.release", f"exam:{exam.id}", {"attempts": count})
    return _ok(exam, f"公布了 {count} 人的成绩，已记入培训档案")
