"""The Flask application of 儿童主任学堂."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask, g
from flask_compress import Compress
from flask_login import current_user
from sqlalchemy import Engine
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter, Map

from exam_app import web
from exam_app.accounts.oidc_views import make_oidc
from exam_app.blueprints import register_blueprints
from exam_app.config import Config, load_config
from exam_app.core.logs import init_logs
from exam_app.core.metrics import collectors
from exam_app.core.replica import make_replica
from exam_app.exams.clock import AttemptClock
from exam_app.exams.runtime import ExamRuntime
from exam_app.exams.save_middleware import SaveMiddleware
from exam_app.exams.saving import make_saver
from exam_app.exams.ticket import Tickets
from exam_app.identity.models import ROLES
from exam_app.kb.pages import kb_url
from exam_app.learn.media import MAX_BYTES
from exam_app.web.answers import SendableJson
from exam_app.web.assets import init_assets
from exam_app.web.csrf import csrf
from exam_app.web.errors import init_failures
from exam_app.web.hooks import init_request_context, init_web
from exam_app.web.limits import Limits
from exam_app.web.navigation import navigation
from exam_app.web.services import Services, set_services
from exam_app.web.sign_in import init_sign_in
from exam_app.web.submit import once
from exam_app.web.typed_request import CleanRequest
from training_records.archive.forms import form_label
from training_records.certificates.service import mask_name, mask_phone
from training_records.database import make_engine, make_session_factory
from training_records.facts.levels import level_label
from training_records.ledger.checks import result_label


class Id(IntegerConverter):
    """URL converter for ids: larger numbers than the database's ids can hold give 404."""

    def __init__(self, map: Map) -> None:
        super().__init__(map, max=2**31 - 1)


class AcademyRequest(CleanRequest):
    """Raises the body limit for uploads of course recordings; other requests are small."""

    @property
    def max_content_length(self) -> int | None:
        if self.path.startswith("/courses/"):
            return MAX_BYTES + 2**20
        return super().max_content_length

    @max_content_length.setter
    def max_content_length(self, value: int | None) -> None:
        self._max_content_length = value


def create_app(config: Config | None = None, engine: Engine | None = None) -> Flask:
    """The application factory. `engine` lets tests pass their own database."""
    config = config or load_config()
    app = Flask("exam_app")
    app.request_class = AcademyRequest
    app.url_map.converters["int"] = Id
    app.config.update(
        ACADEMY=config,
        SECRET_KEY=config.secret_key,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.secure,
        # Browsers accept the __Host- prefix only from this host over HTTPS, so nobody else can set
        # the cookie.
        SESSION_COOKIE_NAME="__Host-session" if config.secure else "session",
        PERMANENT_SESSION_LIFETIME=timedelta(days=14),
        MAX_CONTENT_LENGTH=24 * 2**20,
        MAX_FORM_MEMORY_SIZE=2**20,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(hours=1),
        COMPRESS_ALGORITHM=["br", "gzip"],
        COMPRESS_STREAMS=False,
    )
    app.json = SendableJson(app)
    init_logs()
    collectors()
    engine = engine or make_engine(config.database_url)
    sessions = make_session_factory(engine)
    exams = ExamRuntime(make_saver(engine), Tickets(config.secret_key), AttemptClock(sessions))
    services = Services(
        engine=engine,
        session_factory=sessions,
        replica=make_replica(config),
        limits=Limits(config),
        oidc=make_oidc(app),
        parts=(exams,),
    )
    set_services(app, services)
    Compress(app)
    init_request_context(app)
    csrf.init_app(app)
    init_sign_in(app)
    init_web(app)
    init_failures(app)
    _templates(app)
    register_blueprints(app)
    init_assets(app)
    app.wsgi_app = SaveMiddleware(  # type: ignore[method-assign]
        app.wsgi_app, exams, secure=config.secure
    )
    if hops := config.trusted_proxies:
        # Only behind a trusted proxy: a forged X-Forwarded-For would bypass every limit by address.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    return app


def _templates(app: Flask) -> None:
    app.jinja_env.filters.update(
        date=web.chinese_date,
        time=web.chinese_time,
        plain=web.plain,
        division=web.division_path,
        local=web.local,
        span=web.span,
        kb_url=kb_url,
        level_label=level_label,
        check_result=result_label,
        training_form=form_label,
        mask=mask_name,
        mask_phone=mask_phone,
    )
    app.jinja_env.globals["once"] = once
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    @app.context_processor
    def _context() -> dict[str, object]:
        account = web.account() if current_user.is_authenticated else None
        return {
            "own": account,
            "role_name": ROLES[account.role] if account else "",
            "nav": navigation(account.role) if account else [],
            "demo": app.config["ACADEMY"].demo,
            "oidc_name": app.config["ACADEMY"].oidc_name if web.services().oidc else "",
            "today": web.today(),
            "request_id": g.get("request_id", ""),
            "refused_form": g.get("refused_form"),
        }
