"""Ledger pages: list, import, template, export, opening an account."""

from __future__ import annotations

import secrets
import tempfile
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from flask import (
    Blueprint,
    Response,
    flash,
    g,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from werkzeug.wrappers import Response as BaseResponse

from exam_app import web
from exam_app.identity.service import claimed, create_account
from exam_app.ledger import importing
from exam_app.web.access import MANAGERS, OFFICES, access
from training_records.archive.ledger_export import write_ledger
from training_records.corrections.batches import undo_batch
from training_records.divisions import (
    districts_and_towns,
    division_names,
    full_name,
    joined_name,
    prefix_of,
)
from training_records.errors import NotFound, Refused
from training_records.ledger.columns import COLUMNS
from training_records.ledger.importer import (
    KINDS,
    Checked,
    ImportReport,
    batches_of,
    get_batch,
    remember_titles,
)
from training_records.ledger.models import ROLES
from training_records.ledger.service import current_post, search_people
from training_records.ledger.template import errors_workbook, template

ledger = Blueprint("ledger", __name__)
PAGE = 50
KEEP_SECONDS = 86400
SHOWN_LEFT = 100


@ledger.get("/ledger")
@access(OFFICES)
def index() -> str:
    division = web.scope().division(web.db(), request.args.get("division"))
    text = request.args.get("q", "").strip()[:40]
    page = max(request.args.get("page", 1, type=int), 1)
    due = request.args.get("due", "")
    by = web.today() + timedelta(days=30) if due else None
    on = _day(request.args.get("on", ""))
    rows, total = search_people(
        web.db(),
        prefix_of(division.code),
        text,
        on=on,
        limit=PAGE,
        offset=(page - 1) * PAGE,
        due_by=by,
    )
    names = division_names(web.db(), prefix_of(division.code)[:6])
    return render_template(
        "ledger/index.html",
        division=division,
        rows=rows,
        total=total,
        page=page,
        pages=-(-total // PAGE),
        q=text,
        on=on,
        due=due,
        places={post.division_code: joined_name(names, post.division_code) for _, post in rows},
        roles=ROLES,
        accounts=claimed(web.db(), [person.id for person, _ in rows]),
        divisions=districts_and_towns(web.db(), web.scope().prefix),
    )


def _day(value: str) -> date:
    """Parses the as-of day of the ledger; today if empty. Raises `Refused`."""
    if not value.strip():
        return web.today()
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        raise Refused("日期请写成 2026-11-24 这样") from None


@ledger.get("/ledger/template.xlsx")
@access(OFFICES)
def blank() -> Response:
    return web.download(template(), "ledger-template.xlsx")


@ledger.get("/ledger/export.xlsx")
@access(MANAGERS)
def export() -> Response:
    division = web.scope().division(web.db(), request.args.get("division"))
    name, prefix = division.name, prefix_of(division.code)
    file = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the response)
    on = _day(request.args.get("on", ""))
    rows = write_ledger(web.db(), prefix, name, as_of=on, out=file, claimed=claimed)
    web.audit_read("ledger.export", f"division:{division.code}", {"rows": rows})
    file.seek(0)
    response: Response = send_file(
        file,
        mimetype=web.XLSX,
        as_attachment=True,
        download_name=f"ledger-{division.code}-{on}.xlsx",
    )
    return response


@ledger.route("/ledger/import", methods=["GET", "POST"])
@access(MANAGERS)
@web.only_reads
def upload() -> str | tuple[str, int]:
    if request.method == "GET":
        return _page()
    file = request.files.get("file")
    if file is None or not file.filename:
        return _page(refused="请先选择 Excel 文件"), 422
    data = file.read()
    try:
        report = _check(data).report
    except Refused as refused:
        return _page(refused=str(refused)), 422
    return _page(report=report, key=_store(data, file.filename), name=file.filename)


@ledger.post("/ledger/import/<key>/titles")
@access(MANAGERS)
@web.only_reads
def titles(key: str) -> BaseResponse | str:
    """Stores the office's mapping of column headings and checks the file again."""
    path = _uploaded(key)
    names, fields = request.form.getlist("title"), request.form.getlist("field")
    chosen = {t: f for t, f in zip(names, fields, strict=False) if f in COLUMNS or f == ""}
    remember_titles(web.begin_writing(), web.account().division_code, chosen)
    web.end_writing()
    report = _check(path.read_bytes()).report
    return _page(report=report, key=key, name=_name(path))


@ledger.post("/ledger/import/<key>")
@access(MANAGERS)
@web.only_reads
def apply(key: str) -> BaseResponse | tuple[str, int]:
    path = _uploaded(key)
    order = importing.Order(
        file=path.name,
        name=_name(path),
        division=web.account().division_code,
        prefix=web.scope().prefix,
        by=web.actor(),
        accept_good=request.form.get("accept") == "good",
        kinds=request.form.getlist("kinds") or list(KINDS),
        left=[int(text) for text in request.form.getlist("left") if text.isdigit()],
        request_id=g.request_id,
    )
    if path.stat().st_size > importing.AT_ONCE:
        return _in_background(path, order)
    try:
        checked = _check(path.read_bytes())
        report = importing.write(web.begin_writing(), order, checked, today=web.today())
    except Refused as refused:
        web.db().rollback()
        return _page(refused=str(refused)), 422
    if not report.applied:
        web.db().rollback()
        return _page(report=report, key=key, name=order.name), 422
    web.db().commit()
    importing.forget(path)
    flash(
        f"导入好了：新增 {report.new} 行，更新 {report.changed} 行，没有变化 {report.unchanged} 行。导错了可以在这里整次撤销。"
    )
    return redirect(url_for("ledger.upload", _anchor="imports"))


def _in_background(path: Path, order: importing.Order) -> BaseResponse:
    # Rename the upload first, so that a second request can't queue the same import.
    queued = path.rename(path.with_name(f"asked-{path.name}"))
    importing.forget(path)
    job = importing.ask_import(web.begin_writing(), replace(order, file=queued.name))
    web.db().commit()
    return redirect(url_for("jobs.show", job_id=job.id))


@ledger.post("/ledger/imports/<int:batch_id>/undo")
@access(MANAGERS)
def undo(batch_id: int) -> BaseResponse:
    """Undoes an import batch."""
    batch = get_batch(web.db(), batch_id, web.scope().prefix)
    undone = undo_batch(web.db(), batch, web.actor())
    web.audit(
        "ledger.undo",
        f"import:{batch.id}",
        {"removed": undone.removed, "restored": undone.restored, "kept": len(undone.kept)},
    )
    web.db().commit()
    retained = f"；{len(undone.kept)} 条因为后来又用过或改过，留着没动" if undone.kept else ""
    flash(f"已撤销：取消新登记 {undone.removed} 条，改回 {undone.restored} 条{retained}。")
    return redirect(url_for("ledger.upload", _anchor="imports"))


@ledger.get("/ledger/import/<key>/errors.xlsx")
@access(MANAGERS)
def errors(key: str) -> Response:
    report = _check(_uploaded(key).read_bytes()).report
    return web.download(errors_workbook(report.errors), "ledger-errors.xlsx")


@ledger.post("/ledger/<int:person_id>/account")
@access(MANAGERS)
def open_account(person_id: int) -> str | BaseResponse:
    person = web.scope().person(web.db(), person_id)
    post = current_post(web.db(), person.id, web.today())
    if post is None:
        raise Refused(f"{person.name}现在没有任职，不能开通账号。请先在台账里登记任职")
    account, password = create_account(
        web.db(),
        person.phone,
        person.name,
        role=post.role,
        division_code=post.division_code,
        person_id=person.id,
    )
    web.audit("account.create", f"person:{person.id}", {"role": post.role})
    web.db().commit()
    return render_template("admin/initial.html", account=account, password=password)


def _page(report: ImportReport | None = None, **context: object) -> str:
    """Renders the import page with the latest batches in the scope."""
    imports = batches_of(web.db(), web.scope().prefix)
    departed = report.left[:SHOWN_LEFT] if report else []
    places = {code: full_name(web.db(), code) for code in {row.code for row in departed}}
    return render_template(
        "ledger/import.html",
        imports=imports,
        columns=COLUMNS,
        places=places,
        report=report,
        **context,
    )


def _check(data: bytes) -> Checked:
    return importing.check(
        web.db(),
        web.config(),
        data,
        division=web.account().division_code,
        prefix=web.scope().prefix,
        today=web.today(),
    )


def _store(data: bytes, name: str) -> str:
    """Stores an uploaded workbook for the second step. Returns its key. Deletes uploads older than `KEEP_SECONDS`."""
    folder = importing.uploads(web.config())
    key = secrets.token_urlsafe(16).replace("-", "a").replace("_", "b")
    path = folder / f"{web.account().id}-{key}.xlsx"
    path.write_bytes(data)
    path.with_suffix(".name").write_text(name[:100])
    # Files are dated by the file system, whose clock may be another machine's.
    oldest = path.stat().st_mtime - KEEP_SECONDS
    for old in [*folder.glob("*.xlsx"), *folder.glob("*.name")]:
        if old.stat().st_mtime < oldest:
            old.unlink(missing_ok=True)
    return key


def _name(path: Path) -> str:
    """Returns the original file name of an uploaded workbook."""
    name_file = path.with_suffix(".name")
    return name_file.read_text() if name_file.exists() else ""


def _uploaded(key: str) -> Path:
    path = importing.uploads(web.config()) / f"{web.account().id}-{key}.xlsx"
    if not key.isalnum() or not path.exists():
        raise NotFound("上传的文件已经过期，请重新选择文件")
    return path
