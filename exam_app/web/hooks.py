"""Request hooks: access control, rate limits, security headers, request log."""

from __future__ import annotations

import json
import time
from pathlib import Path

import structlog
from flask import (
    Flask,
    Response,
    abort,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from exam_app.identity import second
from exam_app.web.access import PUBLIC
from exam_app.web.answers import problem, refuse
from exam_app.web.audit import export_reason
from exam_app.web.current import (
    SAFE,
    account,
    config,
    second_step_required,
    wants_json,
)
from exam_app.web.interrupted import ask_to_sign_in, is_waiting, put_back
from exam_app.web.limits import GROUPS
from exam_app.web.request_log import log, log_request, new_request_id
from exam_app.web.services import services
from exam_app.web.session import (
    db,
    note_write_position,
    release_session,
    use_replica,
)

# Sent with every response; HSTS only behind TLS.
LEAN = frozenset({"text/css", "text/javascript", "image/svg+xml"})
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # For browsers without support for frame-ancestors.
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), microphone=(), camera=()",
}


HSTS = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}


# Endpoints open to an account that still has its initial password.
BEFORE_CHANGE = {
    "accounts.password",
    "accounts.logout",
    "static",
    "kb.page",
    "verify.certificate",
    "verify.form",
}


# Endpoints also open to an account that must set up two-step verification first.
BEFORE_SECOND = {"own_account.index", "own_account.set_up", "own_account.switch"}


def refused_to(roles: frozenset[str]) -> BaseResponse | None:
    """The refusal when the current account may not call a view for these roles; None when it may."""
    if not current_user.is_authenticated:
        if wants_json():
            return problem(401, "请先登录")
        return ask_to_sign_in()
    if account().must_change_password and request.endpoint not in BEFORE_CHANGE:
        if wants_json():
            return problem(403, "请先修改初始密码", kind="first-password")
        return redirect(url_for("accounts.password"))
    before = BEFORE_CHANGE | BEFORE_SECOND
    if (
        second_step_required()
        and request.endpoint not in before
        and not second.is_on(db(), account().id)
    ):
        if wants_json():
            return problem(403, "请先在网页上设置两步登录", kind="set-up-second-step")
        flash("您的账号要用两步登录，请先设置。")
        return redirect(url_for("own_account.set_up"))
    if current_user.scope == "read" and request.method not in SAFE:
        return problem(403, "这个令牌只能读，不能改。请用“读和写”的令牌", kind="read-only")
    if account().role not in roles:
        return refuse(403, "您的账号不能做这件事。需要的话请联系区（市）民政部门")
    return None


def init_request_context(app: Flask) -> None:
    """Gives every request its id.

    Registered before all other hooks, so that requests they refuse are logged under the id too.
    """

    @app.before_request
    def _bind() -> None:
        g.request_id = new_request_id()
        g.started = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)


def init_web(app: Flask) -> None:
    """Registers the hooks around every request."""

    @app.before_request
    def _begin() -> BaseResponse | None:
        if request.endpoint is None:
            return None
        roles = getattr(app.view_functions[request.endpoint], "access", None)
        if request.endpoint == "static":
            roles = PUBLIC
        if roles is None:
            abort(403)
        refused = None if roles == PUBLIC else refused_to(roles)
        refused = refused or _too_often(request.endpoint) or _no_reason(request.endpoint)
        if refused is None and hasattr(app.view_functions[request.endpoint], "report"):
            use_replica()
        return refused

    def _no_reason(endpoint: str) -> BaseResponse | None:
        """Asks for the reason of an export of personal data; `web.audit` records it."""
        required = config().export_reason == "required" and GROUPS.get(endpoint) == "export"
        if not required or account().role == "director" or export_reason():
            return None
        if wants_json():
            return problem(422, "导出个人信息要写原因：在地址后加 reason", kind="reason")
        params = [(k, v) for k, v in request.args.items(multi=True) if k != "reason"]
        page = render_template("reason.html", kept=params, missing="reason" in request.args)
        return current_app.make_response((page, 422 if "reason" in request.args else 200))

    def _too_often(endpoint: str) -> BaseResponse | None:
        signed_in = current_user.is_authenticated
        key = f"account:{account().id}" if signed_in else f"address:{request.remote_addr}"
        wait = services().limits.wait(endpoint, key) if endpoint in GROUPS else 0
        if not wait:
            return None
        log.info("too_often", endpoint=endpoint)
        response = refuse(429, f"这一分钟里问得太多了，请等 {wait} 秒再试")
        response.headers["Retry-After"] = str(wait)
        return response

    @app.after_request
    def _finish(response: Response) -> Response:
        if request.method not in SAFE and response.status_code < 400:
            note_write_position()
        headers = response.headers
        if request.endpoint == "static" and response.mimetype in LEAN:
            # The rest says how a page may be used; it would double the size of a small file.
            headers["X-Content-Type-Options"] = "nosniff"
            return response
        headers["X-Request-ID"] = g.get("request_id", "")
        headers.setdefault("Content-Security-Policy", _policy())
        headers.update(HEADERS)
        if config().secure:
            headers.update(HSTS)
        if not request.path.startswith(("/static/", "/kb/")):
            headers.setdefault("Cache-Control", "no-store")
            if request.method == "GET" and is_waiting() and current_user.is_authenticated:
                put_back(response, account().id)
            started = g.get("started", time.perf_counter())
            log_request(request.method, request.endpoint, response.status_code, started=started)
        return response

    @app.teardown_request
    def _close(error: BaseException | None) -> None:
        release_session()


def _policy() -> str:
    return (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


def site_policy(site: Path) -> str:
    """The knowledge base's content security policy; allows the theme's inline scripts by hash."""
    try:
        hashes = " ".join(json.loads((site / "csp.json").read_text()))
    except OSError:
        hashes = ""
    return (
        f"default-src 'self'; script-src 'self' {hashes}; style-src 'self'; img-src 'self' data:; worker-src 'self' blob:; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
