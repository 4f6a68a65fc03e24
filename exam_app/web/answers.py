"""Responses common to all pages: problem details, refusals, redirects, files."""

from __future__ import annotations

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
from exam_app.web.interrupted import can_be_opened
from exam_app.web.session import db

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def problem(status: int, detail: str, **extensions: object) -> Response:
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
        **extensions,
    }
    response = jsonify(body)
    response.status_code = status
    response.mimetype = "application/problem+json"
    return response


def refuse(status: int, detail: str, **extensions: object) -> BaseResponse:
    """An error response: problem details for the API, a page otherwise. Rolls the session back."""
    if "session" in g:
        g.session.rollback()
    if wants_json():
        return problem(status, detail, **extensions)
    return current_app.make_response(
        (render_template("error.html", status=status, detail=detail), status)
    )


def safe_next(target: str | None) -> str:
    """`target` when it is a page of this site, else the home page: no other site, and no address that only takes a
    form."""
    if (
        target
        and target.startswith("/")
        and not target.startswith(("//", "/\\"))
        and "\n" not in target
        and can_be_opened(target)
    ):
        return target
    return url_for("home.index")


def redirect_ok(text: str, target: str) -> BaseResponse:
    """Commits, flashes `text` and redirects to `target`."""
    db().commit()
    flash(text, "good")
    return redirect(target)


def redirect_refused(text: str, target: str) -> BaseResponse:
    """Rolls back, flashes the refusal `text` and redirects to `target`."""
    db().rollback()
    flash(text, "bad")
    return redirect(target)


def worker_script() -> BaseResponse:
    """The service worker that opens cached pages offline.

    Its scope is the path it is served from, so each section serves its own copy.
    """
    response = current_app.send_static_file("exam-sw.js")
    response.headers["Cache-Control"] = "no-cache"
    return response


def download(data: bytes, name: str) -> Response:
    """A workbook as an attachment."""
    return Response(
        data, mimetype=XLSX, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def attachment(data: bytes, mimetype: str, name: str) -> BaseResponse:
    """A file as an attachment; `name` may contain Chinese characters."""
    response = BaseResponse(data, mimetype=mimetype)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return response
