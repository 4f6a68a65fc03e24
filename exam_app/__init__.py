"""The Flask application of 儿童主任学堂."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import structlog
from flask import Flask, Request, g
from flask_bootstrap import Bootstrap5
from flask_compress import Compress
from flask_login import LoginManager, UserMixin, current_user
from flask_wtf import CSRFProtect
from sqlalchemy import Engine
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter

from exam_app import web
from exam_app.accounts.models import ROLES, Account
from exam_app.accounts.service import find_session, token_hash
from exam_app.accounts.tokens import find_token
from exam_app.config import Config, load_config
from exam_app.exams.door import Door
from exam_app.exams.saving import make_saver
from exam_app.exams.ticket import Tickets
from exam_app.failures import init_failures
from exam_app.kb.pages import kb_url
from exam_app.learn.media import MAX_BYTES
from exam_app.limits import Limits
from exam_app.logs import init_logs
from exam_app.metrics import collectors
from exam_app.navigation import navigation
from exam_app.replica import make_replica
from exam_app.static_files import serve_packed
from training_records.certificates.service import mask_name, mask_phone
from training_records.database import make_engine, make_session_factory


class Csrf(CSRFProtect):
    """A token in a header comes from a script: no other site's page can make a browser send it."""

    def protect(self, *args: Any, **more: Any) -> None:
        if web.bearer() is None:
            super().protect(*args, **more)


csrf = Csrf()


class Id(IntegerConverter):
    """A number in a path: as large as the database's ids can be, else there is no such page."""

    def __init__(self, map: Any, *args: Any, **more: Any) -> None:
        super().__init__(map, *args, **{"max": 2**31 - 1, **more})


class AcademyRequest(Request):
    """Requests are small, but for the recordings of courses."""

    @property
    def max_content_length(self) -> int | None:
        if self.path.startswith("/courses/"):
            return MAX_BYTES + 2**20
        return super().max_content_length

    @max_content_length.setter
    def max_content_length(self, value: int | None) -> None:
        self._max_content_length = value


class SignedIn(UserMixin):
    """What Flask-Login keeps: the session token, the account behind it, and what it may do (read, write)."""

    def __init__(self, token: str, account: Account, scope: str = "write") -> None:
        self.id, self.account, self.scope = token, account, scope


def create_app(config: Config | None = None, engine: Engine | None = None) -> Flask:
    """The application. `engine` lets tests bring their own database."""
    config = config or load_config()
    app = Flask(__name__)
    app.request_class = AcademyRequest
    app.url_map.converters["int"] = Id
    app.config.update(
        ACADEMY=config,
        SECRET_KEY=config.secret_key,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.secure,
        # The prefix makes the browser see to it that no other host and no plain HTTP has set it.
        SESSION_COOKIE_NAME="__Host-session" if config.secure else "session",
        PERMANENT_SESSION_LIFETIME=timedelta(days=14),
        MAX_CONTENT_LENGTH=24 * 2**20,
        MAX_FORM_MEMORY_SIZE=2**20,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        BOOTSTRAP_SERVE_LOCAL=True,
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(hours=1),
        COMPRESS_ALGORITHM=["br", "gzip"],
        COMPRESS_STREAMS=False,
    )
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    init_logs()
    collectors()
    engine = engine or make_engine(config.database_url)
    app.extensions["engine"] = engine
    app.extensions["session_factory"] = make_session_factory(engine)
    app.extensions["replica"] = make_replica(config)
    app.extensions["saver"] = make_saver(engine)
    app.extensions["tickets"] = Tickets(config.secret_key)
    app.extensions["limits"] = Limits(config)
    Bootstrap5(app)
    Compress(app)
    csrf.init_app(app)
    _sign_in(app)
    from exam_app.accounts.oidc import set_up

    set_up(app)
    web.init_web(app)
    init_failures(app)
    _templates(app)
    _capabilities(app)
    serve_packed(app, "static", str(app.static_folder))
    serve_packed(app, "bootstrap.static", str(app.blueprints["bootstrap"].static_folder))
    app.wsgi_app = Door(  # type: ignore[method-assign]
        app.wsgi_app, app.extensions["saver"], app.extensions["tickets"], config.secure
    )
    if hops := config.trusted_proxies:
        # Only then: an address that anybody may write would let them pass every brake by address.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    return app


def _capabilities(app: Flask) -> None:
    from exam_app.accounts.oidc import oidc
    from exam_app.accounts.own_views import own_account
    from exam_app.accounts.views import accounts
    from exam_app.admin.views import admin
    from exam_app.api.views import api
    from exam_app.archive.views import archive
    from exam_app.bank.views import bank
    from exam_app.certificates.views import certificates
    from exam_app.coverage.views import coverage
    from exam_app.evaluation.allowance_views import allowances
    from exam_app.evaluation.dashboard_views import dashboards
    from exam_app.evaluation.scheme_views import schemes
    from exam_app.evaluation.views import evaluation
    from exam_app.events.door_views import door
    from exam_app.events.outcome_views import outcome
    from exam_app.events.people_views import roll
    from exam_app.events.views import events
    from exam_app.exams.room_views import rooms
    from exam_app.exams.views import exams
    from exam_app.exemplars.views import models
    from exam_app.home.views import home
    from exam_app.jobs.views import jobs
    from exam_app.kb.views import kb
    from exam_app.learn.editor_views import courses
    from exam_app.learn.views import learn
    from exam_app.ledger.person_views import people
    from exam_app.ledger.views import ledger
    from exam_app.practice.views import practice
    from exam_app.reminders.views import reminders
    from exam_app.reports.case_views import cases
    from exam_app.reports.views import reports
    from exam_app.sheets.views import sheets
    from exam_app.spot.views import spot
    from exam_app.verify.views import verify
    from exam_app.work.office_task_views import office_tasks
    from exam_app.work.survey_views import surveys
    from exam_app.work.views import work

    for blueprint in (
        home,
        accounts,
        own_account,
        oidc,
        kb,
        learn,
        practice,
        work,
        surveys,
        office_tasks,
        courses,
        exams,
        rooms,
        sheets,
        archive,
        coverage,
        ledger,
        people,
        evaluation,
        schemes,
        allowances,
        dashboards,
        reports,
        cases,
        models,
        events,
        roll,
        outcome,
        door,
        certificates,
        jobs,
        spot,
        reminders,
        bank,
        admin,
        verify,
        api,
    ):
        app.register_blueprint(blueprint)


def _sign_in(app: Flask) -> None:
    manager = LoginManager(app)

    @manager.user_loader
    def _load(token: str) -> SignedIn | None:
        if "without_account" in g:
            return None
        account = find_session(web.db(), token)
        if account is None or not web.still_there(account):
            return None
        structlog.contextvars.bind_contextvars(account=account.id)
        return SignedIn(token, account)

    @manager.request_loader
    def _bearer(_request: Request) -> SignedIn | None:
        text = web.bearer()
        found = find_token(web.db(), text) if text and "without_account" not in g else None
        return SignedIn(f"token:{token_hash(text or '')}", *found) if found else None


def _templates(app: Flask) -> None:
    app.jinja_env.filters.update(
        date=web.chinese_date,
        time=web.chinese_time,
        plain=web.plain,
        place=web.place,
        local=web.local,
        span=web.span,
        kb_url=kb_url,
        mask=mask_name,
        mask_phone=mask_phone,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    @app.context_processor
    def _context() -> dict[str, Any]:
        own = web.account() if current_user.is_authenticated else None
        return {
            "own": own,
            "role_name": ROLES[own.role] if own else "",
            "nav": navigation(own.role) if own else [],
            "demo": app.config["ACADEMY"].demo,
            "oidc_name": app.config["ACADEMY"].oidc_name if "oidc" in app.extensions else "",
            "today": web.today(),
            "request_id": g.get("request_id", ""),
        }
