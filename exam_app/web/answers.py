"""Answers that every page gives the same way: problems, refusals, files."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from flask import (
    Response,
    current_app,
    flash,
    g,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response as BaseResponse

from exam_app.web.current import (
    wants_json,
)
from exam_app.web.session import (
    db,
)
from training_records.errors import Refused

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def problem(status: int, detail: str, **more: object) -> Response:
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


def refuse(status: int, detail: str, **more: object) -> BaseResponse:
    """An error answer: problem details for the API, a page otherwise."""
    if "session" in g:
        g.session.rollback()
    if wants_json():
        return problem(status, detail, **more)
    return current_app.make_response(
        (render_template("error.html", status=status, detail=detail), status)
    )


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


def redirect_ok(text: str, target: str) -> BaseResponse:
    """Commits, says so, and goes on to a page."""
    db().commit()
    flash(text)
    return redirect(target)


def redirect_refused(text: str, target: str) -> BaseResponse:
    """Changes nothing, says why, and goes on to a page."""
    db().rollback()
    flash(text)
    return redirect(target)


def worker_script() -> BaseResponse:
    """The service worker that opens kept pages without a network; each path that serves it is its scope."""
    answer = current_app.send_static_file("exam-sw.js")
    answer.headers["Cache-Control"] = "no-cache"
    return answer


def download(data: bytes, name: str) -> Response:
    """A workbook as an attachment."""
    return Response(
        data, mimetype=XLSX, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def attachment(data: bytes, mimetype: str, name: str) -> BaseResponse:
    """A file to keep, under a name that may be Chinese."""
    response = BaseResponse(data, mimetype=mimetype)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return response
