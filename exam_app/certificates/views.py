"""Certificate pages: templates, issue for a training, bulk printing, voiding and reissue."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from exam_app import web
from exam_app.certificates.forms import IssueForm, TemplateForm, VoidForm
from exam_app.jobs.service import enqueue
from exam_app.web.access import MANAGERS, access
from exam_app.web.forms import pressed, sent_id
from training_records.certificates import service
from training_records.certificates.models import Certificate
from training_records.certificates.pdf import HEADING, NAME
from training_records.errors import NotFound, Refused

certificates = Blueprint("certificates", __name__)
MAX_CERTIFICATES = 20_000
EXAMPLE = "{holder}同志（{place}），参加“{title}”，学习期满，准予结业。"


@certificates.get("/certificates")
@access(MANAGERS)
def index() -> str:
    return _page(request.args.get("q", "").strip()[:40])


def _page(text: str) -> str:
    session, prefix = web.db(), web.scope().prefix
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
        issue=IssueForm.shown(
            given={
                "title": request.args.get("title", ""),
                "on": request.args.get("on", type=date.fromisoformat),
            },
            template=_template_choices(),
        ),
        make=TemplateForm.shown(
            given={"name": NAME, "heading": HEADING, "body": EXAMPLE, "prefix": "QD"}
        ),
        void={c.no: VoidForm.shown(c.no) for c in matches},
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
    form = TemplateForm.typed()

    def verb() -> str:
        template = service.make_template(
            web.db(),
            web.account().division_code,
            name=form.name.got or NAME,
            heading=form.heading.got or HEADING,
            body=form.body.got,
            prefix=form.prefix.got,
            valid_months=form.valid_months.data,
        )
        web.audit("certificate.template", f"template:{template.id}")
        return f"证书样式“{template.name}”已保存。"

    return web.carry_out(verb, url_for("certificates.index"), page=index, form=form)


@certificates.post("/certificates/issue")
@access(MANAGERS)
def issue() -> BaseResponse:
    """Issues certificates to everyone in the scope who took part in a training."""
    form = IssueForm.typed(template=_template_choices())

    def verb() -> str:
        title, number = form.title.got, sent_id("template")
        templates = service.templates_in(web.db(), web.scope().prefix)
        template = next((t for t in templates if t.id == number), None)
        if template is None:
            raise Refused("请选一种证书样式；没有就先做一种")
        new, existing = service.issue_for_training(
            web.db(), web.scope().prefix, title, on=form.on.got, template=template, by=web.actor()
        )
        web.audit("certificate.issue", f"template:{template.id}", {"title": title, "issued": new})
        return f"发了 {new} 张“{title}”的{template.name}；{existing} 人早已有证书。"

    return web.carry_out(verb, url_for("certificates.index"), page=index, form=form)


def _template_choices() -> list[tuple[str, str]]:
    templates = service.templates_in(web.db(), web.scope().prefix)
    return [(str(t.id), f"{t.name}（{t.heading}）") for t in templates]


@certificates.post("/certificates/print")
@access(MANAGERS)
def print_many() -> BaseResponse:
    """Queues a PDF of all valid certificates of one title and day."""
    form, queued = IssueForm.typed(), list[int]()

    def verb() -> None:
        title = form.title.got
        numbers = service.valid_numbers(
            web.db(),
            web.scope().prefix,
            title,
            issued_on=form.on.got,
            limit=MAX_CERTIFICATES,
        )
        if not numbers:
            raise Refused("没有可以打印的证书")
        params: dict[str, object] = {"numbers": numbers}
        job = enqueue(
            web.db(),
            "certificates",
            f"{title}证书（{len(numbers)}张）",
            division_code=web.account().division_code,
            params=params,
            by=web.actor(),
        )
        queued.append(job.id)

    return web.carry_out(
        verb,
        url_for("certificates.index"),
        page=index,
        form=form,
        target=lambda: url_for("jobs.show", job_id=queued[0]),
    )


@certificates.post("/certificates/<no>/void")
@access(MANAGERS)
def void(no: str) -> BaseResponse:
    certificate, form = _managed(no), VoidForm.typed(no)
    holder = certificate.holder

    def verb() -> str:
        reissue, reason = pressed("again"), form.reason.got
        web.audit("certificate.void", f"certificate:{no}", {"again": reissue})
        if reissue:
            new = service.reissue(web.db(), certificate, reason, by=web.actor())
            return f"原证书已作废，新证书编号 {new.no}。"
        service.void_certificate(web.db(), certificate, reason, by=web.actor())
        return "已作废。扫码会看到作废的说明。"

    return web.carry_out(
        verb, url_for("certificates.index", q=holder), page=lambda: _page(holder), form=form
    )


def _managed(no: str) -> Certificate:
    certificate = service.find(web.db(), no)
    if certificate is None or not _within(certificate):
        raise NotFound("没有这张证书，或不在您的管理范围内")
    return certificate
