"""All blueprints, in the order of registration."""

from __future__ import annotations

from flask import Flask

from exam_app.accounts.oidc_views import oidc
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
from exam_app.events.check_in_views import check_in
from exam_app.events.outcome_views import outcome
from exam_app.events.people_views import roll
from exam_app.events.views import events
from exam_app.exams.room_views import rooms
from exam_app.exams.views import exams
from exam_app.exemplars.views import exemplars
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
from exam_app.styleguide.views import styleguide
from exam_app.verify.views import verify
from exam_app.work.office_task_views import office_tasks
from exam_app.work.survey_views import surveys
from exam_app.work.views import work

BLUEPRINTS = (
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
    exemplars,
    events,
    roll,
    outcome,
    check_in,
    certificates,
    jobs,
    spot,
    reminders,
    bank,
    admin,
    styleguide,
    verify,
    api,
)


def register_blueprints(app: Flask) -> None:
    """Registers all blueprints."""
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
