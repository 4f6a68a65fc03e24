"""What every request shares: database session, account, scope, clock, problem answers."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import structlog
from flask import (
    Flask,
    Response,
    abort,
    current_app,
    flash,
    g,
    jsonify,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from exam_app.accounts import second
from exam_app.accounts.models import Account
from exam_app.accounts.service import token_hash
from exam_app.audit.service import record
from exam_app.config import Config
from exam_app.limits import GROUPS
from exam_app.logs import LOG, line
from exam_app.metrics import observe
from exam_app.replica import START, place_in_log
from exam_app.scope import MANAGERS, PUBLIC, Scope, scope_of
from training_records.certificates.pdf import chinese_date as written_date
from training_records.database import now, read_only
from training_records.divisions import ancestor, division_names, joined_name
from training_records.errors import NotFound, Refused

log = structlog.get_logger()
API = "/api/"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
# What every answer carries, and behind TLS.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # What frame-ancestors says, once more for old browsers.
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), microphone=(), camera=()",
}
HSTS = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}
SAFE = ("GET", "HEAD", "OPTIONS")
# Seconds after which an office has to sign in again.
OFFICE_IDLE = 2 * 3600
# Pages that an account with an initial password may still reach.
BEFORE_CHANGE = {
    "accounts.password",
    "accounts.logout",
    "static",
    "kb.page",
    "verify.certificate",
    "verify.form",
}
# And one that has yet to set up its second step.
BEFORE_SECOND = {"own_account.index", "own_account.set_up", "own_account.switch"}


def config() -> Config:
    """The configuration of the running application."""
    return cast(Config, current_app.config["ACADEMY"])


def db() -> Session:
    """The request's session: reading for GET, else writing; committed by the view or `commit`."""
    if "session" not in g:
        session = current_app.extensions["session_factory"]()
        g.session = session if _writes() else read_only(session)
    return cast(Session, g.session)


def done_reading() -> None:
    """Gives the request's session back before somebody else writes for it."""
    session = g.pop("session", None)
    if session is not None:
        session.close()


def begin_writing() -> Session:
    """Ends reading and gives the request a session that writes: a view that only reads at first keeps the
    one writer of SQLite for a shorter while. `end_writing` commits it."""
    done_reading()
    g.session = current_app.extensions["session_factory"]()
    return cast(Session, g.session)


def end_writing() -> None:
    """Commits, and goes on reading with the same session."""
    db().commit()
    read_only(db())


def _writes() -> bool:
    view = current_app.view_functions.get(request.endpoint or "")
    return bool(getattr(view, "writes", request.method not in SAFE))


def writes(view: Any) -> Any:
    """Marks a GET view that notes something (e.g. when a unit was first opened)."""
    view.writes = True
    return view


def report(view: Any) -> Any:
    """Marks a GET view that may read a copy of the database, where there is one."""
    view.report = True
    return view


def _use_replica() -> None:
    replica = current_app.extensions["replica"]
    # A script keeps no cookie: nobody knows what it wrote last.
    if replica is not None and bearer() is None:
        copy = replica.session(session.get("wrote", START))
        if copy is not None:
            done_reading()
            g.session = copy


def _note_place() -> None:
    """Keeps in the cookie how far a copy must have come to show what was just written."""
    if current_app.extensions["replica"] is not None and not current_user.is_anonymous:
        with current_app.extensions["session_factory"]() as primary:
            session["wrote"] = place_in_log(read_only(primary))


def only_reads(view: Any) -> Any:
    """Marks a view that changes nothing through the request's session, whatever its method."""
    view.writes = False
    return view


def still_there(own: Account) -> bool:
    """Whether an office's account was used within `OFFICE_IDLE`: its computer may stand in a room that others enter. The
    moment is kept in the signed cookie; those who learn on their own phone stay signed in for two weeks."""
    at, last = int(now().timestamp()), session.get("at", 0)
    if own.role in MANAGERS and last and at - last > OFFICE_IDLE:
        return False
    if at - last > 60:
        session["at"] = at
    return True


def bearer() -> str | None:
    """The token that a script sends along; for the API only."""
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() if kind.lower() == "bearer" and wants_json() else None


def second_step_required() -> bool:
    """Whether the one who is signed in has to have a second step."""
    return config().second_step == "required" and not config().demo and account().role in MANAGERS


def account() -> Account:
    """The signed-in account."""
    return cast(Account, current_user.account)


def scope() -> Scope:
    """The signed-in account's scope."""
    return scope_of(account())


def holder() -> str:
    """The hash of the sign-in's token, by which an attempt knows the device that holds it."""
    return token_hash(current_user.id)


def person_id() -> int:
    """The person that the account stands for; NotFound for offices' accounts."""
    if account().person_id is None:
        raise NotFound("您的账号没有对应的任职人员,这里没有您的学习和考试")
    return cast(int, account().person_id)


def today() -> date:
    """The day in the offices' time zone."""
    return now().astimezone(config().zone).date()


def actor() -> str:
    """The signed-in account as logs and records name it."""
    return f"account:{account().id}"


def export_reason() -> str:
    """Why somebody takes personal data along, as they said."""
    return " ".join(request.args.get("reason", "").split())[:60]


def audit(action: str, subject: str, detail: dict[str, Any] | None = None) -> None:
    """Records in the audit log what the signed-in account did, with the reason that was asked for."""
    if GROUPS.get(request.endpoint or "") == "export" and (reason := export_reason()):
        detail = {**(detail or {}), "reason": reason}
    record(db(), actor(), action, subject, detail, account().division_code, g.request_id)


def audit_read(action: str, subject: str, detail: dict[str, Any] | None = None) -> None:
    """Records what a view that only reads has handed out, once it is made: nobody waits for the writer of
    SQLite meanwhile."""
    begin_writing()
    audit(action, subject, detail)
    end_writing()


def wants_json() -> bool:
    return request.path.startswith(API)


def problem(status: int, detail: str, **more: Any) -> Response:
    """RFC 9457 problem details."""
    titles = {
        400: "请求有误",
        401: "请先登录",
        403: "没有权限",
        404: "没有找到",
        409: "现在不能这样做",
        413: "内容太大",
        415: "格式不对",
        422: "内容有误",
        429: "太频繁",
        503: "稍后再试",
    }
    body = {
        "type": "about:blank",
        "title": titles.get(status, "出错了"),
        "status": status,
        "detail": detail,
        "instance": request.path,
        "request_id": g.get("request_id"),
        **more,
    }
    response = jsonify(body)
    response.status_code = status
    response.mimetype = "application/problem+json"
    return response


def refuse(status: int, detail: str, **more: Any) -> BaseResponse:
    """An error answer: problem details for the API, a page otherwise."""
    if "session" in g:
        g.session.rollback()
    if wants_json():
        return problem(status, detail, **more)
    return current_app.make_response(
        (render_template("error.html", status=status, detail=detail), status)
    )


def refused_to(roles: frozenset[str]) -> BaseResponse | None:
    """Why the one who asks may not call what is for these roles; None when they may."""
    if not current_user.is_authenticated:
        if wants_json():
            return problem(401, "请先登录")
        return redirect(url_for("accounts.login", next=request.full_path.rstrip("?")))
    if account().must_change_password and request.endpoint not in BEFORE_CHANGE:
        if wants_json():
            return problem(403, "请先修改初始密码")
        return redirect(url_for("accounts.password"))
    before = BEFORE_CHANGE | BEFORE_SECOND
    if (
        second_step_required()
        and request.endpoint not in before
        and not second.is_on(db(), account().id)
    ):
        if wants_json():
            return problem(403, "请先在网页上设置两步登录")
        flash("您的账号要用两步登录,请先设置。")
        return redirect(url_for("own_account.set_up"))
    if current_user.scope == "read" and request.method not in SAFE:
        return problem(403, "这个令牌只能读,不能改。请用“读和写”的令牌")
    if account().role not in roles:
        return refuse(403, "您的账号不能做这件事。需要的话请联系区(市)民政部门")
    return None


def safe_next(target: str | None) -> str:
    """A path of this site, or the home page: open redirects are refused."""
    if (
        target
        and target.startswith("/")
        and not target.startswith(("//", "/\\"))
        and "\n" not in target
    ):
        return target
    return url_for("home.index")


def new_request_id() -> str:
    """A number by which a request is found in the log; no secret, so the system is not asked for randomness."""
    return f"{random.getrandbits(64):016x}"  # nosec B311


def log_request(
    method: str, endpoint: str | None, status: int, started: float, request_id: str | None = None
) -> None:
    """One line a request, without personal data; `started`: `time.perf_counter` at its beginning; `request_id`:
    that of one outside Flask, which has no context to add: its line takes the short way."""
    seconds = time.perf_counter() - started
    observe(method, endpoint, status, seconds)
    ms = round(1000 * seconds, 1)
    told = {"method": method, "endpoint": endpoint, "status": status, "ms": ms}
    if request_id is None:
        log.info("request", **told)
    else:
        LOG.info(line("info", {**told, "request_id": request_id, "event": "request"}))


def init_web(app: Flask) -> None:
    """Hooks around every request."""

    @app.before_request
    def _begin() -> BaseResponse | None:
        g.request_id = new_request_id()
        g.started = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)
        if request.endpoint is None:
            return None
        roles = getattr(app.view_functions[request.endpoint], "access", None)
        if request.endpoint in ("static", "bootstrap.static"):
            roles = PUBLIC
        if roles is None:
            abort(403)
        refused = None if roles == PUBLIC else refused_to(roles)
        refused = refused or _too_often(request.endpoint) or _no_reason(request.endpoint)
        if refused is None and hasattr(app.view_functions[request.endpoint], "report"):
            _use_replica()
        return refused

    def _no_reason(endpoint: str) -> BaseResponse | None:
        """Asks an office why it takes personal data along; what it says goes into the audit log."""
        asked = config().export_reason == "required" and GROUPS.get(endpoint) == "export"
        if not asked or account().role == "director" or export_reason():
            return None
        if wants_json():
            return problem(422, "导出个人信息要写原因:在地址后加 reason")
        kept = [(k, v) for k, v in request.args.items(multi=True) if k != "reason"]
        page = render_template("reason.html", kept=kept, missing="reason" in request.args)
        return current_app.make_response((page, 422 if "reason" in request.args else 200))

    def _too_often(endpoint: str) -> BaseResponse | None:
        own = current_user.is_authenticated
        key = f"account:{account().id}" if own else f"address:{request.remote_addr}"
        wait = current_app.extensions["limits"].wait(endpoint, key) if endpoint in GROUPS else 0
        if not wait:
            return None
        log.info("too_often", endpoint=endpoint)
        response = refuse(429, f"这一分钟里问得太多了,请等 {wait} 秒再试")
        response.headers["Retry-After"] = str(wait)
        return response

    @app.after_request
    def _finish(response: Response) -> Response:
        if request.method not in SAFE and response.status_code < 400:
            _note_place()
        headers = response.headers
        headers["X-Request-ID"] = g.get("request_id", "")
        headers.setdefault("Content-Security-Policy", _policy())
        headers.update(HEADERS)
        if config().secure:
            headers.update(HSTS)
        if not request.path.startswith(("/static/", "/bootstrap/", "/kb/")):
            headers.setdefault("Cache-Control", "no-store")
            started = g.get("started", time.perf_counter())
            log_request(request.method, request.endpoint, response.status_code, started)
        return response

    @app.teardown_request
    def _close(error: BaseException | None) -> None:
        done_reading()


def _policy() -> str:
    return (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


def site_policy(site: Path) -> str:
    """The knowledge base's policy: the theme's inline scripts by their hashes."""
    try:
        hashes = " ".join(json.loads((site / "csp.json").read_text()))
    except OSError:
        hashes = ""
    return (
        f"default-src 'self'; script-src 'self' {hashes}; style-src 'self'; img-src 'self' data:; worker-src 'self' blob:; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


def span(start: datetime, end: datetime) -> str:
    """2026年11月24日 09:00–12:00"""
    first, last = start.astimezone(config().zone), end.astimezone(config().zone)
    day = "" if first.date() == last.date() else f"{chinese_date(last.date())} "
    return f"{chinese_date(first.date())} {first:%H:%M}–{day}{last:%H:%M}"


def try_to(verb: Callable[[], str | None], target: str) -> BaseResponse:
    """Calls a verb, commits, says what it did or why it was refused, and goes on to a page."""
    try:
        told = verb()
    except Refused as refused:
        db().rollback()
        flash(str(refused), "bad")
        return redirect(target)
    db().commit()
    if told:
        flash(told, "good")
    return redirect(target)


def worker_script() -> BaseResponse:
    """The service worker that opens kept pages without a network; each path that serves it is its scope."""
    answer = current_app.send_static_file("exam-sw.js")
    answer.headers["Cache-Control"] = "no-cache"
    return answer


def know_places(codes: Iterable[str]) -> None:
    """Reads the names of places in one go, for the `place` filter."""
    known: dict[str, str] = g.setdefault("places", {})
    wanted = set(codes) - known.keys()
    if wanted:
        above = {ancestor(c, level) for c in wanted for level in ("district", "town")}
        names = division_names(db(), codes=wanted | above)
        known.update({c: joined_name(names, c) for c in wanted if c in names})


def place(code: str) -> str:
    """A division's name with those above it up to the district."""
    know_places([code])
    return str(g.places.get(code, code))


def local(value: datetime | None) -> str:
    """A moment as a form's field for date and time takes it."""
    return f"{value.astimezone(config().zone):%Y-%m-%dT%H:%M}" if value else ""


def attachment(data: bytes, mimetype: str, name: str) -> BaseResponse:
    """A file to keep, under a name that may be Chinese."""
    response = BaseResponse(data, mimetype=mimetype)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return response


def chinese_date(value: date | datetime | None) -> str:
    """2026年11月24日"""
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = value.astimezone(config().zone).date()
    return written_date(value)


def chinese_time(value: datetime | None) -> str:
    """2026年11月24日 14:05"""
    if value is None:
        return ""
    local = value.astimezone(config().zone)
    return f"{chinese_date(value)} {local:%H:%M}"


def plain(value: Any) -> str:
    """A number without trailing zeros."""
    if value is None:
        return ""
    text = f"{float(value):.2f}".rstrip("0").rstrip(".")
    return text or "0"
