"""The JSON API under ``/api/v1``."""

from __future__ import annotations

from typing import TypeVar

from flask import Blueprint, Response, current_app, jsonify, request, session
from flask_wtf.csrf import generate_csrf
from pydantic import BaseModel, ValidationError
from werkzeug.wrappers import Response as BaseResponse

from exam_app import web
from exam_app.api import schemas
from exam_app.api.openapi import describe, describes
from exam_app.core.sealing import seal_of
from exam_app.coverage import reports
from exam_app.exams import marking, service
from exam_app.exams.errors import (
    BadAnswer,
    Closed,
    MissingAnswers,
    SignedOut,
    TakenOver,
    TooLate,
)
from exam_app.exams.models import Attempt, Exam
from exam_app.exams.runtime import ExamRuntime
from exam_app.exams.saving import RESULT
from exam_app.exams.schemas import (
    AnswersIn,
    BeaconIn,
    ClockOut,
    SavedAnswer,
    SaveOut,
    SubmitIn,
    iso,
)
from exam_app.exams.ticket import COOKIE, Ticket, csrf_digest, path_of
from exam_app.exams.windows import left
from exam_app.identity.service import CodeNeeded, SignInRefused, enter_code, sign_in, token_hash
from exam_app.kb.pages import kb_url
from exam_app.outbox.schemas import OutboxIn, OutboxOut
from exam_app.outbox.service import judge
from exam_app.web.access import EVERYONE, LEARNERS, OFFICES, PUBLIC, access
from exam_app.web.csrf import csrf
from exam_app.web.sign_in import device, remember
from training_records.archive.service import entries_of
from training_records.coverage.definition import report_dict
from training_records.database import now
from training_records.divisions import prefix_of
from training_records.errors import NotFound
from training_records.evaluation import runs
from training_records.evaluation.table import as_data
from training_records.facts.levels import level_label

api = Blueprint("api", __name__, url_prefix="/api/v1")
Model = TypeVar("Model", bound=BaseModel)
MAX_BODY = 512 * 1024


class _BadBody(Exception):
    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


def _body(model: type[Model], any_type: bool = False) -> Model:
    """Returns the request's JSON body, validated as `model`. `any_type` ignores the content type, which a beacon can't
    set. Raises `_BadBody`."""
    if (request.content_length or 0) > MAX_BODY:
        raise _BadBody(413, f"内容超过 {MAX_BODY // 1024} KB，请分几次发送")
    data = request.get_json(silent=True, force=any_type)
    if not isinstance(data, dict):
        raise _BadBody(400, "请求体要是一个 JSON 对象")
    try:
        return model.model_validate(data)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(p) for p in fault["loc"])
        raise _BadBody(
            422, f"字段 {field} 不对：类型或长度不合要求，请对照 /api/v1/openapi.json"
        ) from None


@api.errorhandler(_BadBody)
def _bad_body(error: _BadBody) -> BaseResponse:
    return web.refuse(error.status, error.detail)


@api.errorhandler(BadAnswer)
def _bad_answer(error: BadAnswer) -> BaseResponse:
    return web.refuse(422, str(error))


@api.errorhandler(MissingAnswers)
def _missing(error: MissingAnswers) -> BaseResponse:
    return web.refuse(409, str(error), kind="missing-answers", missing=error.slots)


@api.errorhandler(TooLate)
def _too_late(error: TooLate) -> BaseResponse:
    return web.refuse(409, str(error), kind="late", late=True)


@api.errorhandler(TakenOver)
def _taken_over(error: TakenOver) -> BaseResponse:
    return web.refuse(409, str(error), kind="taken-over", taken_over=True)


@api.errorhandler(SignedOut)
def _signed_out(error: SignedOut) -> BaseResponse:
    return web.refuse(401, str(error))


@api.errorhandler(Closed)
def _closed(error: Closed) -> BaseResponse:
    return web.refuse(409, str(error))


def _json(model: BaseModel) -> Response:
    return Response(model.model_dump_json(), mimetype="application/json")


@api.post("/login")
@csrf.exempt
@access(PUBLIC)
@describes("登录", schemas.LoginOut, schemas.LoginIn)
def login() -> BaseResponse:
    body = _body(schemas.LoginIn)
    try:
        try:
            account, token = sign_in(web.db(), body.phone, body.password, device=device())
        except CodeNeeded as needed:
            if body.code is None:
                web.db().commit()
                return web.problem(401, str(needed), kind="second-step", second_step=True)
            account, token = enter_code(
                web.db(), needed.account_id, body.code, seal=seal_of(web.config()), device=device()
            )
    except SignInRefused as refused:
        web.db().commit()
        return web.problem(401, str(refused))
    web.db().commit()
    remember(account, token)
    user = schemas.UserOut(
        id=account.id,
        name=account.name,
        role=account.role,
        division=account.division_code,
        person_id=account.person_id,
        must_change_password=account.must_change_password,
    )
    return _json(schemas.LoginOut(csrf_token=generate_csrf(), user=user))


@api.get("/exams")
@access(LEARNERS)
@describes("我可以考的考试", schemas.ExamsOut)
def exams() -> Response:
    available = service.exams_for(web.db(), web.person_id())
    return _json(schemas.ExamsOut(exams=[_exam(exam, attempts) for exam, attempts in available]))


def _exam(exam: Exam, attempts: list[Attempt]) -> schemas.ExamOut:
    at = now()
    remaining = left(exam, attempts)
    if any(a.passed and a.state == "released" for a in attempts):
        state = "passed"
    elif any(a.state == "in_progress" for a in attempts):
        state = "in_progress"
    elif at < exam.opens_at:
        state = "not_open"
    elif at >= exam.closes_at:
        state = "closed"
    else:
        state = "open" if remaining else "used_up"
    return schemas.ExamOut(
        id=exam.id,
        title=exam.title,
        kind=exam.kind,
        minutes=exam.minutes,
        pass_percent=float(exam.pass_percent),
        opens_at=iso(exam.opens_at),
        closes_at=iso(exam.closes_at),
        attempts_allowed=exam.attempts_allowed,
        attempts_left=remaining,
        state=state,
        attempts=[
            schemas.AttemptBrief(
                attempt_id=a.id,
                state=a.state,
                score=float(a.score) if a.state == "released" and a.score is not None else None,
                passed=a.passed if a.state == "released" else None,
            )
            for a in attempts
        ],
    )


@api.post("/exams/<int:exam_id>/attempts")
@access(LEARNERS)
@web.only_reads
@describes("开始或接着考", schemas.StartOut)
def start(exam_id: int) -> Response:
    attempt = service.start(
        web.begin_writing(), exam_id, web.person_id(), holder=web.session_hash()
    )
    web.end_writing()
    saved = {} if attempt.fresh else marking.answers_of(web.db(), attempt.id)
    digest = csrf_digest(request.headers.get("X-CSRF-Token", ""))
    ticket = service.ticket_of(attempt, web.session_hash(), digest)
    text = web.services().part(ExamRuntime).tickets.write(ticket)
    response = _json(
        schemas.StartOut(
            attempt_id=attempt.id,
            state=attempt.state,
            server_time=iso(now()),
            deadline=iso(attempt.deadline),
            paper=schemas.PaperOut.model_construct(items=service.paper(attempt)),
            answers={s: SavedAnswer(response=a.response, seq=a.seq) for s, a in saved.items()},
            seconds={s: a.seconds for s, a in saved.items() if a.seconds is not None},
            ticket=text,
        )
    )
    response.set_cookie(
        COOKIE,
        text,
        path=path_of(attempt.id),
        httponly=True,
        samesite="Lax",
        secure=web.config().secure,
    )
    return response


@api.put("/attempts/<int:attempt_id>/answers")
@access(PUBLIC)
@web.only_reads
@describes("保存答案", SaveOut, AnswersIn)
def save(attempt_id: int) -> BaseResponse:
    """Saves answers. With the attempt's ticket neither account nor form is loaded; without one the caller's account is
    checked as in any other view. `SaveMiddleware` answers most saves before this view."""
    if RESULT in request.environ:
        service.outcome(request.environ[RESULT])
    ticket = _shown_ticket(attempt_id)
    if ticket is None:
        refused = web.refused_to(LEARNERS)
        if refused is not None:
            return refused
        ticket = service.ticket_for(
            web.db(), attempt_id, web.person_id(), holder=web.session_hash()
        )
        web.release_session()
    return _saved(ticket, _body(AnswersIn))


@api.post("/attempts/<int:attempt_id>/beacon")
@csrf.exempt
@access(PUBLIC)
@web.only_reads
@describes("关页面时的最后一次保存", SaveOut, BeaconIn)
def beacon(attempt_id: int) -> BaseResponse:
    """Saves answers from a closing page. A beacon can't set headers, so the body carries the ticket, which also stands
    in for the CSRF token."""
    body = _body(BeaconIn, any_type=True)
    ticket = web.services().part(ExamRuntime).tickets.read(body.ticket)
    if ticket is None or ticket.attempt_id != attempt_id or ticket.holder is None:
        raise NotFound("没有这次作答")
    return _saved(ticket, body)


def _saved(ticket: Ticket, body: AnswersIn) -> Response:
    saver = web.services().part(ExamRuntime).saver
    stored, deadline = service.save_answers(saver, ticket, body.answers, left=body.left)
    return Response(SaveOut.body(stored, deadline), mimetype="application/json")


def _shown_ticket(attempt_id: int) -> Ticket | None:
    """The ticket in the cookie, if it was issued for this attempt and this sign-in session."""
    text, token = request.cookies.get(COOKIE), session.get("_user_id")
    if not text or not token:
        return None
    ticket = web.services().part(ExamRuntime).tickets.read(text)
    if ticket is None or ticket.attempt_id != attempt_id or ticket.holder != token_hash(token):
        return None
    return ticket


@api.get("/attempts/<int:attempt_id>/clock")
@access(LEARNERS)
@describes("服务器的时间和截止时间", ClockOut)
def clock(attempt_id: int) -> Response:
    """For callers without the attempt's ticket; `SaveMiddleware` answers the page."""
    reading = web.services().part(ExamRuntime).clock.read(attempt_id, web.person_id())
    if reading is None:
        raise NotFound("没有这次作答")
    return Response(ClockOut.body(reading.state, reading.deadline), mimetype="application/json")


@api.post("/attempts/<int:attempt_id>/submit")
@access(LEARNERS)
@web.only_reads
@describes("交卷", schemas.AttemptOut, SubmitIn)
def submit(attempt_id: int) -> Response:
    body = _body(SubmitIn)
    attempt, rows = service.submit(
        web.begin_writing(),
        attempt_id,
        web.person_id(),
        expected=body.expected,
        zone=web.config().zone,
    )
    web.end_writing()
    return _json(_attempt(attempt, rows))


@api.get("/attempts/<int:attempt_id>")
@access(LEARNERS)
@describes("一次作答的状态和结果", schemas.AttemptOut)
def attempt(attempt_id: int) -> Response:
    return _json(_attempt(service.get_attempt(web.db(), attempt_id, web.person_id())))


def _attempt(attempt: Attempt, rows: list[marking.MarkedSlot] | None = None) -> schemas.AttemptOut:
    out = schemas.AttemptOut(
        attempt_id=attempt.id,
        state=attempt.state,
        server_time=iso(now()),
        deadline=iso(attempt.deadline),
    )
    if attempt.state != "released":
        return out
    out.score, out.max_score = float(attempt.score or 0), float(attempt.max_score or 0)
    out.passed, out.certificate_no = attempt.passed, attempt.certificate_no
    out.result = [
        schemas.ResultItem(
            slot=r.slot.id,
            stem=r.stem,
            response=r.response,
            key=r.key,
            right=r.right,
            points=r.points,
            explanation=r.explanation,
            source=r.source,
            kb_url=kb_url(r.kb),
        )
        for r in marking.result(web.db(), attempt, rows)
    ]
    return out


@api.post("/outbox")
@access(LEARNERS)
@describes("手机里攒下的一批：走访、练习、学习", OutboxOut, OutboxIn)
def outbox() -> BaseResponse:
    body = _body(OutboxIn)
    if body.account is not None and body.account != web.account().id:
        return web.refuse(403, "这些是另一个账号记下的，请用那个账号登录", kind="another-account")
    results = judge(
        web.db(),
        body.items,
        person_id=web.person_id(),
        role=web.account().role,
        zone=web.config().zone,
        device=body.device,
    )
    web.db().commit()
    return _json(OutboxOut(results=results, server_time=iso(now())))


@api.get("/coverage")
@access(OFFICES)
@describes("培训覆盖率", schemas.CoverageOut, query=("year", "division", "as_of"))
def coverage() -> Response:
    year, day = reports.year_and_day(
        request.args.get("year"), request.args.get("as_of"), web.today()
    )
    web.release_session()
    reports.catch_up(web.services().session_factory, year, day, today=web.today())
    code = web.scope().division(web.db(), request.args.get("division")).code
    then = "now" not in request.args
    report = reports.report(web.db(), code, year, day=day, today=web.today(), as_known_then=then)
    return _json(schemas.CoverageOut.model_validate(report_dict(report, people=False)))


@api.get("/evaluation")
@access(OFFICES)
@describes("工作评价结果", schemas.EvaluationOut, query=("year", "division"))
def evaluation() -> Response:
    """The results of a year's evaluation runs in a division; empty before a run has started."""
    year = request.args.get("year", web.today().year, type=int)
    division = web.scope().division(web.db(), request.args.get("division"))
    prefix = prefix_of(division.code)
    results: list[schemas.EvaluatedOut] = []
    state = None
    for run in runs.runs_in(web.db(), prefix):
        if run.year == year:
            state = run.state
            results += [
                schemas.EvaluatedOut.model_validate(
                    as_data(str(row.person_id), runs.explain(run, row))
                    | {
                        "grade": row.grade,
                        "division": row.code,
                        "months_in_post": float(row.months),
                    }
                )
                for row, _ in runs.results_of(web.db(), run, prefix)
            ]
    return _json(schemas.EvaluationOut(year=year, state=state, results=results))


@api.get("/people/<int:person_id>/records")
@access(EVERYONE)
@describes("培训档案", schemas.RecordsOut)
def records(person_id: int) -> Response:
    person = web.scope().person(web.db(), person_id)
    entries = entries_of(web.db(), person.id, all_rows=True)
    voided = {e.voids_id for e in entries if e.voids_id}
    rows = [
        schemas.RecordOut(
            id=e.id,
            kind=e.kind,
            date=e.date.isoformat(),
            title=e.title,
            level=e.level and level_label(e.level),
            form=e.form,
            organiser=e.organiser,
            hours=None if e.hours is None else float(e.hours),
            score=None if e.score is None else float(e.score),
            passed=e.passed,
            certificate_no=e.certificate_no,
            voided=e.id in voided,
            voids=e.voids_id,
            recorded_at=iso(e.recorded_at),
            hash=e.hash,
        )
        for e in entries
    ]
    return _json(schemas.RecordsOut(person_id=person.id, name=person.name, records=rows))


@api.get("/openapi.json")
@access(PUBLIC)
def openapi() -> Response:
    rules = []
    for rule in current_app.url_map.iter_rules():
        view = current_app.view_functions[rule.endpoint]
        if hasattr(view, "operation"):
            method = next(m for m in sorted(rule.methods or ()) if m not in ("HEAD", "OPTIONS"))
            rules.append((rule.rule, method, view))
    return jsonify(describe(sorted(rules, key=lambda r: (r[0], r[1]))))
