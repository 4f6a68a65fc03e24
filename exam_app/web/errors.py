"""Error handlers: the user-facing message of each kind of error, in one place."""

from __future__ import annotations

import structlog
from flask import Flask, g
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from exam_app.identity.hashing import HashingBusy
from exam_app.web.answers import refuse
from training_records.errors import NotFound, RecordsError, Refused

log = structlog.get_logger()


def init_failures(app: Flask) -> None:
    """Registers handlers for exceptions that views don't catch."""

    app.register_error_handler(
        CSRFError,
        lambda e: refuse(400, "页面放得太久，已经失效。请刷新后再试一次", kind="csrf"),
    )
    app.register_error_handler(NotFound, lambda e: refuse(404, str(e)))
    app.register_error_handler(Refused, lambda e: refuse(422, str(e)))
    app.register_error_handler(RecordsError, lambda e: refuse(422, str(e)))

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> BaseResponse:
        texts = {
            400: "请求有误，请检查后再试",
            403: "您的账号不能做这件事",
            404: "没有这个页面，可能地址写错了，或不在您的范围内",
            405: "这个地址不能这样用",
            413: "内容太大，请减少后再试",
            415: "请用 JSON 格式",
        }
        return refuse(error.code or 500, texts.get(error.code or 500, "出错了，请稍后再试"))

    @app.errorhandler(OperationalError)
    def _database(error: DBAPIError) -> BaseResponse:
        log.error("database", error=type(error.orig).__name__)
        g.without_account = True  # loading the account would fail again
        response = refuse(503, "数据库暂时忙或连不上，没有保存。请等半分钟再试一次")
        response.headers["Retry-After"] = "30"
        return response

    @app.errorhandler(OSError)
    def _files(error: OSError) -> BaseResponse:
        log.error("files", error=type(error).__name__, code=error.errno)
        response = refuse(
            503, "文件存不进去，可能是磁盘满了，没有保存。请过一会儿再试，并告诉管理员"
        )
        response.headers["Retry-After"] = "60"
        return response

    @app.errorhandler(HashingBusy)
    def _busy(error: HashingBusy) -> BaseResponse:
        g.without_account = True
        response = refuse(503, "现在登录的人多，请等 10 秒再试一次。已经在考试的不受影响")
        response.headers["Retry-After"] = "10"
        return response

    @app.errorhandler(IntegrityError)
    def _at_once(error: IntegrityError) -> BaseResponse:
        log.error("conflict", constraint=str(error.orig).splitlines()[0])
        return refuse(409, "刚才有人同时改了同一条，这次没有保存。请刷新页面看一看，再试一次")

    @app.errorhandler(DataError)
    @app.errorhandler(OverflowError)
    def _too_large(error: Exception) -> BaseResponse:
        # A number out of the column's range: SQLite's driver raises OverflowError, PostgreSQL
        # DataError.
        return refuse(422, "有个数字太大或格式不对，没有保存。请检查后再试")

    @app.errorhandler(Exception)
    def _unexpected(error: Exception) -> BaseResponse:
        log.exception("unexpected", kind=type(error).__name__)
        return refuse(500, "系统出了问题，没有保存。请稍后再试；还不行就把下面的编号告诉管理员")
