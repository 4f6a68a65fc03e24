"""Outcome pages of an event: documents, report, files, filing of credit hours."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.events import documents
from exam_app.events.forms import (
    FileForm,
    FilingForm,
    door_link,
    event_within,
    own_event,
    own_prefix,
)
from exam_app.events.scores import scores_of
from exam_app.events.views import try_event
from exam_app.web.access import MANAGERS, OFFICES, access
from exam_app.web.forms import sent_fields, sent_values
from training_records.archive import evidence
from training_records.database import now
from training_records.errors import NotFound, Refused
from training_records.events import enrolment, filing, planning, survey
from training_records.events.files import attach, files_of
from training_records.events.models import STATES, Event, FileKind
from training_records.events.report import report_of

outcome = Blueprint("outcome", __name__)
PAPERS = {
    "notice.docx": "通知",
    "list.docx": "名单和签到表",
    "badges.pdf": "胸牌",
    "signs.pdf": "席卡",
    "report.docx": "总结报告",
}


@outcome.get("/events/<int:event_id>/papers/<paper>")
@access(MANAGERS)
def paper(event_id: int, paper: str) -> Response:
    event = own_event(event_id)
    session, zone = web.db(), web.config().zone
    if paper not in PAPERS:
        raise NotFound("没有这种文件")
    if paper == "notice.docx":
        data = documents.notice_docx(session, event, now(), zone=zone)
    elif paper == "list.docx":
        data = documents.list_docx(session, event, zone)
    elif paper == "badges.pdf":
        people = [p.id for _, p in enrolment.roll(session, event)]
        data = documents.badges_pdf(session, event, {p: door_link(event.id, p) for p in people})
    elif paper == "signs.pdf":
        data = documents.signs_pdf(session, event)
    else:
        data = _report(event)
    name = f"{event.title}{PAPERS[paper]}.{paper.rpartition('.')[2]}"
    web.audit_read("event.paper", f"event:{event_id}", {"paper": paper})
    return web.attachment(data, web.DOCX if paper.endswith("docx") else "application/pdf", name)


def _report(event: Event) -> bytes:
    zone = web.config().zone
    pictures = []
    for event_file, stored in files_of(web.db(), event, "photo")[:8]:
        data = evidence.read(web.db(), web.config().evidence, stored.sha256)[1]
        pictures.append((event_file.caption or "培训现场", data))
    notes = [
        f"{n.created_at.astimezone(zone):%Y-%m-%d %H:%M} {n.text}"
        for n in reversed(planning.notes_of(web.db(), event, own_prefix()))
    ]
    return documents.report_docx(
        web.db(),
        report_of(web.db(), event),
        scores_of(web.db(), event),
        pictures=pictures,
        notes=notes,
        today=now(),
        zone=zone,
    )


@outcome.get("/events/<int:event_id>/report")
@access(OFFICES)
def report(event_id: int) -> str:
    event = event_within(event_id)
    return render_template(
        "events/report.html",
        event=event,
        report=report_of(web.db(), event),
        scores=scores_of(web.db(), event),
        files=files_of(web.db(), event, "photo"),
        questions=survey.QUESTIONS,
        fewest=survey.MIN_ANSWERS,
        asked=survey.asked(web.db(), event),
        states=STATES,
        form=FileForm.shown(given={"summary": event.summary}),
        mine=event.division_code.startswith(own_prefix()) and web.account().role in MANAGERS,
    )


@outcome.post("/events/<int:event_id>/files")
@access(MANAGERS)
def keep(event_id: int) -> Response:
    """Stores a photo or course material, and the summary of the report."""
    event, form = own_event(event_id), FileForm.typed()
    is_report, is_photo = "summary" in sent_fields(), "photo" in sent_values("kind")

    def verb() -> str:
        if is_report:
            event.summary = form.summary.got or None
        file = request.files.get("file")
        if file is None or not file.filename:
            return "保存好了。"
        kind: FileKind = "photo" if is_photo else "material"
        data = file.read()
        if is_photo and documents.as_jpeg(data) is None:
            raise Refused("照片打不开。照片要用 JPG 或 PNG，请换一张再传")
        stored = evidence.keep(
            web.db(),
            web.config().evidence,
            data,
            name=file.filename,
            division_code=event.division_code,
            by=web.actor(),
        )
        attach(web.db(), event, stored, kind=kind, caption=form.caption.got)
        return "传好了。"

    if is_report or is_photo:
        path = url_for("outcome.report", event_id=event_id)
        return web.carry_out(verb, path, page=lambda: report(event_id), form=form)
    return try_event(event_id, verb, form)


@outcome.route("/events/<int:event_id>/file", methods=["GET", "POST"])
@access(MANAGERS)
def file(event_id: int) -> str | Response:
    """Previews the filing of credit hours, and files them once confirmed."""
    event = own_event(event_id)
    if request.method == "POST":
        form = FilingForm.typed()

        def verb() -> str:
            number = filing.file_event(
                web.db(), event, form.confirmed_by.got, by=web.actor(), zone=web.config().zone
            )
            web.audit("event.file", f"event:{event.id}", {"people": number})
            return f"{number} 人的学时记进了培训档案。" if number else "早已归档，没有重复记。"

        return web.carry_out(
            verb,
            url_for("outcome.file", event_id=event_id),
            page=lambda: _file_page(event_id),
            form=form,
            target=lambda: url_for("events.show", event_id=event_id),
        )
    return _file_page(event_id)


def _file_page(event_id: int) -> str:
    event = own_event(event_id)
    due, absent = filing.preview(web.db(), event)
    return render_template(
        "events/file.html", event=event, due=due, absent=absent, form=FilingForm.shown()
    )
