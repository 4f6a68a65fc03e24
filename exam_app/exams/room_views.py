"""Pages of an exam for the office and the invigilator: live board, sittings, extra time, results."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Blueprint, jsonify, render_template, url_for
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.exams import administration, invigilation
from exam_app.exams.appeals import answer, doubts_about
from exam_app.exams.forms import AnswerForm, DecisionForm, GrantForm, MarkForm, SittingForm
from exam_app.exams.marking_queue import record_mark, unmarked_answers
from exam_app.exams.models import Attempt, Exam
from exam_app.exams.states import WORDS
from exam_app.exams.summary import analysis, rapid_responders, similar_pairs_in, summary
from exam_app.web.access import MANAGERS, access
from exam_app.web.forms import Form, pressed, sent_id, sent_values
from training_records.database import now
from training_records.divisions import division_names
from training_records.errors import NotFound, Refused
from training_records.ledger.service import id_of_phone

rooms = Blueprint("rooms", __name__, url_prefix="/exams/manage/<int:exam_id>")
# The shares of the points that a marker can give.
SHARES = {"0": 0.0, "0.25": 0.25, "0.5": 0.5, "0.75": 0.75, "1": 1.0}
SIGNS = {"in_progress": "wait", "submitted": "plainly", "marked": "plainly", "released": "good"}


def _exam(exam_id: int, own: bool = False) -> Exam:
    return administration.exam_within(web.db(), exam_id, web.scope().prefix, own=own)


def _divisions(exam: Exam) -> list[tuple[str, str]]:
    divisions = administration.divisions_sharing(web.db(), exam, web.scope().prefix)
    return [(code, name) for code, name in divisions]


def _carry_out(exam_id: int, form: Form | None, verb: Callable[[], str]) -> Response:
    """Carries out a form of the exam's page."""
    path = url_for("rooms.room", exam_id=exam_id)
    return web.carry_out(verb, path, page=lambda: room(exam_id), form=form)


@rooms.get("")
@access(MANAGERS)
def room(exam_id: int) -> str:
    exam = _exam(exam_id)
    board = _board(exam)
    people = [("0", "请选一个人")] + [
        (str(r["id"]), f"{r['name']}，{r['village']}，{r['word']}") for r in board["rows"]
    ]
    doubts = doubts_about(web.db(), exam, web.scope().prefix)
    return render_template(
        "exams/room.html",
        exam=exam,
        mine=exam.division_code.startswith(web.scope().prefix),
        board=board,
        decision=DecisionForm.shown(attempt=people),
        to_mark=sum(
            1
            for _ in unmarked_answers(
                web.db(), exam, web.scope().prefix, account_id=web.account().id
            )
        ),
        doubts=doubts,
        answers={d.id: AnswerForm.shown(d.id) for d, _ in doubts if not d.answer},
        result=summary(web.db(), exam, web.scope().prefix),
        sitting=SittingForm.shown(division=_divisions(exam)),
        grant=GrantForm.shown(),
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
    exam, form = _exam(exam_id), DecisionForm.typed()

    def verb() -> str:
        what, reason, minutes = form.what.got, form.reason.got, form.minutes.data or 0
        prefix, number = web.scope().prefix, sent_id("attempt") or 0
        if what == "extend_all":
            count = invigilation.extend_all(
                web.db(), exam, prefix, minutes=minutes, actor=web.actor(), reason=reason
            )
            message = f"给正在考的 {count} 人各延长了 {minutes} 分钟"
        else:
            attempt = invigilation.attempt_within(web.db(), number, prefix)
            if attempt.exam_id != exam.id:
                raise NotFound("没有这次作答")
            message = _decide(attempt, what, minutes, reason=reason)
        detail = {"exam": exam.id, "attempt": number, "minutes": minutes, "reason": reason}
        web.audit(f"exam.{what}", f"exam:{exam.id}", detail)
        return message

    return _carry_out(exam_id, form, verb)


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
    exam = _exam(exam_id, own=True)
    form = SittingForm.typed(division=_divisions(exam))

    def verb() -> str:
        sitting = invigilation.add_sitting(
            web.db(),
            exam,
            title=form.title.got,
            place=form.place.got,
            opens_at=form.opens.got,
            closes_at=form.closes.got,
            capacity=form.capacity.data,
            division_code=form.division.got,
            make_up=form.make_up.data,
        )
        web.audit("exam.sitting", f"exam:{exam.id}", {"sitting": sitting.id})
        return f"场次“{sitting.title}”加好了"

    return _carry_out(exam_id, form, verb)


@rooms.post("/grants")
@access(MANAGERS)
def grant(exam_id: int) -> Response:
    exam, form = _exam(exam_id), GrantForm.typed()

    def verb() -> str:
        person_id = id_of_phone(web.db(), form.phone.got)
        if person_id is None:
            raise Refused("台账里没有这个手机号，请先在台账里查对")
        person, minutes = web.scope().person(web.db(), person_id), form.minutes.data or 0
        invigilation.grant(
            web.db(),
            exam,
            person,
            extra_minutes=minutes,
            large_print=form.large_print.data,
            reason=form.reason.got,
            actor=web.actor(),
        )
        web.audit("exam.grant", f"exam:{exam.id}", {"person": person.id, "minutes": minutes})
        return "记下了，下次开始考试时生效"

    return _carry_out(exam_id, form, verb)


@rooms.post("/doubts/<int:appeal_id>")
@access(MANAGERS)
def answer_doubt(exam_id: int, appeal_id: int) -> Response:
    exam, form = _exam(exam_id), AnswerForm.typed(appeal_id)
    if all(d.id != appeal_id for d, _ in doubts_about(web.db(), exam, web.scope().prefix)):
        raise NotFound("没有这条申请")

    def verb() -> str:
        text, prefix = form.answer.got, web.scope().prefix
        answer(web.db(), exam, prefix, appeal_id=appeal_id, text=text, by=web.actor())
        web.audit("exam.appeal", f"exam:{exam.id}", {"appeal": appeal_id})
        return "答复好了，本人在成绩页能看到"

    return _carry_out(exam_id, form, verb)


@rooms.get("/marking")
@access(MANAGERS)
def marking(exam_id: int) -> str:
    """The next written answer to mark, anonymous."""
    exam = _exam(exam_id)
    unmarked = list(
        unmarked_answers(web.db(), exam, web.scope().prefix, account_id=web.account().id)
    )
    return render_template(
        "exams/marking.html",
        exam=exam,
        left=len(unmarked),
        one=next(iter(unmarked), None),
        form=MarkForm.shown(),
    )


@rooms.post("/marking")
@access(MANAGERS)
def give_mark(exam_id: int) -> Response:
    exam, form = _exam(exam_id), MarkForm.typed()
    attempt, slot = sent_id("attempt") or 0, "".join(sent_values("slot"))

    def verb() -> None:
        share = SHARES.get("".join(sent_values("share")))
        if share is None:
            raise Refused("请选一个得分比例")
        record_mark(
            web.db(),
            exam,
            web.scope().prefix,
            attempt_id=attempt,
            slot=slot,
            account_id=web.account().id,
            share=share,
            comment=form.comment.got,
            zone=web.config().zone,
        )
        web.audit("exam.mark", f"exam:{exam.id}", {"attempt": attempt, "slot": slot})

    path = url_for("rooms.marking", exam_id=exam.id)
    return web.carry_out(verb, path, page=lambda: marking(exam_id), form=form)


@rooms.post("/release")
@access(MANAGERS)
def release(exam_id: int) -> Response:
    exam = _exam(exam_id, own=True)

    def verb() -> str:
        if not pressed("sure"):
            raise Refused("请先勾选“确认公布”")
        count = invigilation.release_all(web.db(), exam, web.actor(), zone=web.config().zone)
        web.audit("exam.release", f"exam:{exam.id}", {"attempts": count})
        return f"公布了 {count} 人的成绩，已记入培训档案"

    return _carry_out(exam_id, None, verb)
