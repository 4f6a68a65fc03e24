"""The home page: tasks for a director, figures for an office. Also health checks and metrics."""

from __future__ import annotations

import secrets
from datetime import timedelta
from decimal import Decimal

from flask import Blueprint, Response, current_app, jsonify, render_template, request

from exam_app import web
from exam_app.coverage.keeper import keep_up
from exam_app.home.figures import CONTENT_TYPE, exposition
from exam_app.home.today import YearStatus, tasks_of
from exam_app.migrations.running import is_current
from exam_app.reminders.service import unseen
from exam_app.web.access import EVERYONE, PUBLIC, access
from exam_app.web.assets import worker_script
from training_records.archive.counting import year_totals
from training_records.archive.service import entries_of
from training_records.coverage import reading
from training_records.coverage.rules import rule_of
from training_records.database import now
from training_records.divisions import full_name, level_of, prefix_of
from training_records.errors import NotFound
from training_records.events.demonstration import demonstrations
from training_records.ledger.service import current_post, search_people, vacancies

home = Blueprint("home", __name__)


@home.get("/sw.js")
@access(PUBLIC)
def worker() -> Response:
    """The service worker of all pages; its scope is the path it is served from."""
    return worker_script(current_app)


@home.get("/")
@access(EVERYONE)
def index() -> str:
    if web.account().role == "director":
        return render_template("home/director.html", **_director(web.person_id()))
    division = web.scope().division(web.db(), None)
    # End the current read transaction, so that the page reads after pending changes are applied.
    web.release_session()
    keep_up(web.services().session_factory, web.today(), rounds=1)
    report = reading.report(web.db(), division.code, web.today())
    horizon = web.today() + timedelta(days=30)
    _, due = search_people(
        web.db(), prefix_of(division.code), on=web.today(), limit=0, due_by=horizon
    )
    return render_template(
        "home/office.html",
        division=division,
        report=report,
        due=due,
        demonstrations=demonstrations(
            web.db(), prefix_of(division.code), report.year, zone=web.config().zone
        )
        if level_of(division.code) == "city"
        else [],
        vacancies=vacancies(web.db(), prefix_of(division.code), web.today(), limit=0)[1],
    )


def _director(person_id: int) -> dict[str, object]:
    """Template context of a director: post, reminders, this year's hours and tasks."""
    session = web.db()
    post = current_post(session, person_id, web.today())
    today = web.today()
    rule = rule_of(session, today.year)
    totals = year_totals(entries_of(session, person_id), rule.levels, today.year, as_of=today)
    return {
        "post": post,
        "reminders": unseen(session, person_id, now(), config=web.config()),
        "place": full_name(session, post.division_code) if post else "",
        "hours": totals.hours,
        "needed": rule.hours,
        "exam_passed": totals.exam_passed,
        "inducted": totals.inducted,
        "tasks": tasks_of(
            session,
            web.account(),
            person_id,
            standing=YearStatus(
                totals.inducted, max(rule.hours - totals.hours, Decimal(0)), totals.exam_passed
            ),
            today=web.today(),
            zone=web.config().zone,
        ),
    }


@home.get("/healthz")
@access(PUBLIC)
def healthz() -> Response:
    return jsonify({"status": "ok"})


@home.get("/readyz")
@access(PUBLIC)
def readyz() -> tuple[Response, int]:
    current = is_current(web.services().engine)
    return jsonify(
        {"status": "ready" if current else "migrations pending"}
    ), 200 if current else 503


@home.get("/metrics")
@access(PUBLIC)
def metrics() -> Response:
    """Prometheus metrics, for requests from the machine itself or with the token of `ACADEMY_METRICS_TOKEN`."""
    token = web.config().metrics_token
    presented = request.headers.get("Authorization", "").removeprefix("Bearer ")
    forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    local = request.remote_addr in ("127.0.0.1", "::1") and not forwarded
    if not local and not (token and secrets.compare_digest(presented.encode(), token.encode())):
        raise NotFound("没有这个页面")
    return Response(exposition(web.db()), content_type=CONTENT_TYPE)
