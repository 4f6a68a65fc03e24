"""Responses common to all pages: problem details, refusals, redirects, files."""

from __future__ import annotations

import re
from typing import Any
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
from flask.json.provider import DefaultJSONProvider
from werkzeug.wrappers import Response as BaseResponse

from exam_app.web.current import (
    wants_json,
)
from exam_app.web.interrupted import can_be_opened
from exam_app.web.session import db

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


# Kind of problem to its status and title. The table of kinds in `docs/help/interfaces.md` says the same.
PROBLEMS: dict[str, tuple[int, str]] = {
    "bad-request": (400, "请求有误"),
    "csrf": (400, "页面失效了"),
    "sign-in": (401, "请先登录"),
    "second-step": (401, "还要两步登录的码"),
    "forbidden": (403, "没有权限"),
    "first-password": (403, "请先改密码"),
    "set-up-second-step": (403, "请先设置两步登录"),
    "read-only": (403, "令牌只能读"),
    "another-account": (403, "换了账号"),
    "not-found": (404, "没有找到"),
    "method": (405, "地址不能这样用"),
    "conflict": (409, "现在不能这样做"),
    "missing-answers": (409, "答案没有收全"),
    "late": (409, "时间已到"),
    "taken-over": (409, "换了手机"),
    "too-large": (413, "内容太大"),
    "media-type": (415, "格式不对"),
    "invalid": (422, "内容有误"),
    "reason": (422, "要写原因"),
    "too-many": (429, "太频繁"),
    "error": (500, "出错了"),
    "busy": (503, "稍后再试"),
}
_BY_STATUS = {status: kind for kind, (status, _) in reversed(PROBLEMS.items())}
PROBLEM_PAGE = "/kb/help/interfaces/#problem-"
# Browsers leave tabs and line ends out of an address: `/<tab>/host` is another site.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class SendableJson(DefaultJSONProvider):
    """JSON of answers: Chinese as it is, half an emoji that was sent to us as `?`."""

    ensure_ascii = False

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """`obj` as JSON that can be encoded."""
        return super().dumps(obj, **kwargs).encode("utf-8", "replace").decode()


def problem(status: int, detail: str, *, kind: str = "", **extensions: object) -> Response:
    """RFC 9457 problem details. `kind`: one of `PROBLEMS`; by default the first of that status."""
    kind = kind or _BY_STATUS.get(status, "error" if status >= 500 else "bad-request")
    body = {
        "type": f"{PROBLEM_PAGE}{kind}",
        "title": PROBLEMS[kind][1],
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


def refuse(status: int, detail: str, *, kind: str = "", **extensions: object) -> BaseResponse:
    """An error response: problem details for scripts, a page otherwise. Rolls the session back."""
    if "session" in g:
        g.session.rollback()
    if wants_json():
        return problem(status, detail, kind=kind, **extensions)
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
        and not _CONTROL.search(target)
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
