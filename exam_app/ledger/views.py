"""Pages of the ledger: list, import, template, export, opening an account."""

from __future__ import annotations

import hashlib
import secrets
import time
from datetime import timedelta
from pathlib import Path

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from exam_app import web
from exam_app.accounts.models import Account
from exam_app.accounts.service import create_account
from exam_app.coverage.views import download
from exam_app.scope import MANAGERS, OFFICES, access
from training_records.divisions import Division, division_names, joined_name, prefix_of, within
from training_records.errors import NotFound, Refused
from training_records.ledger.export import errors_workbook, export_ledger, template
from training_records.ledger.importer import ImportReport, import_ledger
from training_records.ledger.models import ROLES
from training_records.ledger.service import current_post, search_people

ledger = Blueprint("ledger", __name__)
PAGE = 50
KEEP_SECONDS = 86400


def digest_key(secret_key: str) -> bytes:
    """The key of the identity digests, derived from the secret key."""
    return hashlib.sha256(b"identity:" + secret_key.encode()).digest()


@ledger.get("/ledger")
@access(OFFICES)
def index() -> str:
    division = web.scope().division(web.db(), request.args.get("division"))
    text = request.args.get("q", "").strip()[:40]
    page = max(request.args.get("page", 1, type=int), 1)
    due = request.args.get("due", "")
    by = web.today() + timedelta(days=30) if due else None
    rows, total = search_people(
        web.db(), prefix_of(division.code), text, web.today(), PAGE, (page - 1) * PAGE, by
    )
    names = division_names(web.db(), prefix_of(division.code)[:6])
    accounts = set(
        web.db().scalars(
            select(Account.person_id).where(Account.person_id.in_([p.id for p, _ in rows]))
        )
    )
    parents = (
        web.db()
        .scalars(
            select(Division)
            .where(
                Division.level.in_(("district", "town")), within(Division.code, web.scope().prefix)
            )
            .order_by(Division.code)
        )
        .all()
    )
    return render_template(
        "ledger/index.html",
        division=division,
        rows=rows,
        total=total,
        page=page,
        pages=-(-total // PAGE),
        q=text,
        due=due,
        places={post.division_code: joined_name(names, post.division_code) for _, post in rows},
        roles=ROLES,
        accounts=accounts,
        divisions=parents,
    )


@ledger.get("/ledger/template.xlsx")
@access(OFFICES)
def blank() -> Response:
    return download(template(), "ledger-template.xlsx")


@ledger.get("/ledger/export.xlsx")
@access(MANAGERS)
@web.writes
def export() -> Response:
    division = web.scope().division(web.db(), request.args.get("division"))
    data = export_ledger(web.db(), prefix_of(division.code), division.name, web.today())
    web.audit("ledger.export", f"division:{division.code}", {"bytes": len(data)})
    web.db().commit()
    return download(data, f"ledger-{division.code}-{web.today()}.xlsx")


@ledger.route("/ledger/import", methods=["GET", "POST"])
@access(MANAGERS)
def upload() -> str | tuple[str, int]:
    if request.method == "GET":
        return render_template("ledger/import.html")
    file = request.files.get("file")
    if file is None or not file.filename:
        return render_template("ledger/import.html", refused="请先选择 Excel 文件"), 422
    data = file.read()
    try:
        report = _run(data, dry_run=True)
    except Refused as refused:
        web.db().rollback()
        return render_template("ledger/import.html", refused=str(refused)), 422
    web.db().rollback()
    key = _keep(data)
    return render_template("ledger/import.html", report=report, key=key, name=file.filename)


@ledger.post("/ledger/import/<key>")
@access(MANAGERS)
def apply(key: str) -> BaseResponse | tuple[str, int]:
    data = _kept(key).read_bytes()
    accept = request.form.get("accept") == "good"
    try:
        report = _run(data, accept_good=accept)
    except Refused as refused:
        web.db().rollback()
        return render_template("ledger/import.html", refused=str(refused)), 422
    if not report.applied:
        web.db().rollback()
        return render_template("ledger/import.html", report=report, key=key, name=""), 422
    web.audit(
        "ledger.import",
        f"division:{web.account().division_code}",
        {"new": report.new, "changed": report.changed, "left_out": len(report.errors)},
    )
    web.db().commit()
    _kept(key).unlink(missing_ok=True)
    flash(
        f"导入好了:新增 {report.new} 行,更新 {report.changed} 行,没有变化 {report.unchanged} 行。"
    )
    return redirect(url_for("ledger.index"))


@ledger.get("/ledger/import/<key>/errors.xlsx")
@access(MANAGERS)
def errors(key: str) -> Response:
    report = _run(_kept(key).read_bytes(), dry_run=True)
    return download(errors_workbook(report.errors), "ledger-errors.xlsx")


@ledger.post("/ledger/<int:person_id>/account")
@access(MANAGERS)
def open_account(person_id: int) -> str | BaseResponse:
    person = web.scope().person(web.db(), person_id)
    post = current_post(web.db(), person.id, web.today())
    if post is None:
        raise Refused(f"{person.name}现在没有任职,不能开通账号。请先在台账里登记任职")
    account, password = create_account(
        web.db(), person.phone, person.name, post.role, post.division_code, person.id
    )
    web.audit("account.create", f"person:{person.id}", {"role": post.role})
    web.db().commit()
    return render_template("admin/initial.html", account=account, password=password)


def _run(data: bytes, dry_run: bool = False, accept_good: bool = False) -> ImportReport:
    return import_ledger(
        web.db(),
        data,
        prefix=web.scope().prefix,
        today=web.today(),
        digest_key=digest_key(web.config().secret_key),
        dry_run=dry_run,
        accept_good=accept_good,
    )


def _folder() -> Path:
    folder = web.config().instance / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _keep(data: bytes) -> str:
    """Keeps an uploaded workbook for the second step; forgets those of yesterday."""
    for old in _folder().glob("*.xlsx"):
        if old.stat().st_mtime < time.time() - KEEP_SECONDS:
            old.unlink(missing_ok=True)
    key = secrets.token_urlsafe(16).replace("-", "a").replace("_", "b")
    (_folder() / f"{web.account().id}-{key}.xlsx").write_bytes(data)
    return key


def _kept(key: str) -> Path:
    found = _folder() / f"{web.account().id}-{key}.xlsx"
    if not key.isalnum() or not found.exists():
        raise NotFound("上传的文件已经过期,请重新选择文件")
    return found
