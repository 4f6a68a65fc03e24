"""Certificate pages: templates, issue for a training, bulk printing, voiding and reissue."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from exam_app import web
from exam_app.jobs.service import enqueue
from exam_app.web.access import MANAGERS, access
from training_records.certificates import service
from training_records.certificates.models import Certificate
from training_records.certificates.pdf import BODY, HEADING, NAME
from training_records.errors import NotFound, Refused

certificates = Blueprint("certificates", __name__)
MAX_CERTIFICATES = 20_000


@certificates.get("/certificates")
@access(MANAGERS)
def index() -> str:
    session, prefix = web.db(), web.scope().prefix
    text = request.args.get("q", "").strip()[:40]
    matches: list[Certificate] = []
    if text:
        exact = service.find(session, text)
        matches = [exact] if exact else service.held_by(session, prefix, text)
        matches = [c for c in matches if _within(c)]
    return render_template(
        "certificates/index.html",
        groups=service.groups_in(session, prefix),
        templates=service.templates_in(session, prefix),
        q=text,
        found=matches,
        body=BODY,
        heading=HEADING,
        name=NAME,
    )


def _within(certificate: Certificate) -> bool:
    try:
        web.scope().person(web.db(), certificate.person_id)
    except NotFound:
        return False
    return True


@certificates.post("/certificates/templates")
@access(MANAGERS)
def make() -> BaseResponse:
    form = request.form
    months = form.get("valid_months", "").strip()
    if months and not months.isdigit():
        raise Refused("有效期填几个月，例如 36；长期有效就空着")
    template = service.make_template(
        web.db(),
        web.account().division_code,
        name=form.get("name", "").strip()[:20] or NAME,
        heading=form.get("heading", "").strip()[:30] or HEADING,
        body=form.get("body", "").strip(),
        prefix=form.get("prefix", "QD").strip(),
        valid_months=int(months) if months else None,
    )
    web.audit("certificate.template", f"template:{template.id}")
    web.db().commit()
    flash(f"证书样式“{template.name}”已保存。", "good")
    return redirect(url_for("certificates.index"))


@certificates.post("/certificates/issue")
@access(MANAGERS)
def issue() -> BaseResponse:
    """Issues certificates to everyone in the scope who took part in a training."""
    title, on = _training()
    template_id = request.form.get("template", 0, type=int)
    templates = service.templates_in(web.db(), web.scope().prefix)
    template = next((t for t in templates if t.id == template_id), None)
    if template is None:
        raise Refused("请选一种证书样式；没有就先做一种")
    new, existing = service.issue_for_training(
        web.db(), web.scope().prefix, title, on=on, template=template, by=web.actor()
    )
    web.audit("certificate.issue", f"template:{template.id}", {"title": title, "issued": new})
    web.db().commit()
    flash(f"发了 {new} 张“{title}”的{template.name}；{existing} 人早已有证书。", "good")
    return redirect(url_for("certificates.index"))


def _training() -> tuple[str, date]:
    try:
        return request.form.get("title", "").strip(), date.fromisoformat(request.form.get("on", ""))
    except ValueError:
        raise Refused("日期请写成 2026-11-24 这样") from None


@certificates.post("/certificates/print")
@access(MANAGERS)
def print_many() -> BaseResponse:
    """Queues a PDF of all valid certificates of one title and day."""
    title, on = _training()
    numbers = service.valid_numbers(
        web.db(), web.scope().prefix, title, issued_on=on, limit=MAX_CERTIFICATES
    )
    if not numbers:
        raise Refused("没有可以打印的证书")
    code = web.account().division_code
    params: dict[str, object] = {"numbers": numbers}
    job = enqueue(
        web.db(),
        "certificates",
        f"{title}证书（{len(numbers)}张）",
        division_code=code,
        params=params,
        by=web.actor(),
    )
    web.db().commit()
    return redirect(url_for("jobs.show", job_id=job.id))


@certificates.post("/certificates/<no>/void")
@access(MANAGERS)
def void(no: str) -> BaseResponse:
    certificate = _managed(no)
    reissue, reason = "again" in request.form, request.form.get("reason", "")
    if reissue:
        new = service.reissue(web.db(), certificate, reason, by=web.actor())
        flash(f"原证书已作废，新证书编号 {new.no}。", "good")
    else:
        service.void_certificate(web.db(), certificate, reason, by=web.actor())
        flash("已作废。扫码会看到作废的说明。", "good")
    web.audit("certificate.void", f"certificate:{no}", {"again": reissue})
    web.db().commit()
    return redirect(url_for("certificates.index", q=certificate.holder))


def _managed(no: str) -> Certificate:
    certificate = service.find(web.db(), no)
    if certificate is None or not _within(certificate):
        raise NotFound("没有这张证书，或不在您的管理范围内")
    return certificate
