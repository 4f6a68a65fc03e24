"""Pages of the training archive: a person's entries and certificates, external training, evidence, corrections."""

from __future__ import annotations

import json
from itertools import groupby

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from exam_app import web
from exam_app.archive.data import own_data
from exam_app.archive.forms import AnswerForm, CorrectionForm, RecordForm
from exam_app.archive.xapi import statements
from exam_app.certificates.jobs import rows_of
from exam_app.jobs.service import enqueue
from exam_app.web.access import EVERYONE, LEARNERS, MANAGERS, access
from exam_app.web.forms import pressed, sent_id, sent_values
from training_records.archive import corrections, evidence, external
from training_records.archive.experience import experience_text
from training_records.archive.models import KINDS, Evidence
from training_records.archive.service import entries_of
from training_records.certificates.pdf import certificates_pdf
from training_records.certificates.service import find, of_person
from training_records.divisions import full_name, prefix_of
from training_records.documents.archive import archive_data, archive_docx, archive_pdf
from training_records.errors import NotFound, Refused
from training_records.events.files import is_shown_to
from training_records.ledger.models import ROLES, Person

archive = Blueprint("archive", __name__)


def person_file(person: Person) -> dict[str, object]:
    """Template context of a person's archive."""
    session = web.db()
    entries = entries_of(session, person.id, all_rows=True)
    voided = {e.voids_id for e in entries if e.voids_id}
    years = [(year, list(rows)) for year, rows in groupby(entries, key=lambda e: e.date.year)]
    posts = [
        (p, full_name(session, p.division_code), ROLES[p.role]) for p in reversed(person.posts)
    ]
    return {
        "person": person,
        "posts": posts,
        "years": years,
        "voided": voided,
        "kinds": KINDS,
        "certificates": of_person(session, person.id),
        "experience": experience_text(session, person),
        "requests": corrections.of_person(session, person.id),
        "correction": CorrectionForm.shown(
            entry=[("", "个人信息或任职")]
            + [
                (str(e.id), f"{web.chinese_date(e.date)} {e.title}")
                for e in entries
                if e.kind != "void" and e.id not in voided
            ]
        ),
    }


@archive.get("/archive")
@access(LEARNERS)
def mine() -> str:
    person = web.scope().person(web.db(), web.person_id())
    return render_template("archive/person.html", mine=True, **person_file(person))


@archive.get("/archive/<int:person_id>")
@access(EVERYONE)
def person(person_id: int) -> str:
    subject = web.scope().person(web.db(), person_id)
    return render_template(
        "archive/person.html", mine=person_id == web.account().person_id, **person_file(subject)
    )


@archive.get("/archive/<int:person_id>.pdf", defaults={"form": "pdf"})
@archive.get("/archive/<int:person_id>.docx", defaults={"form": "docx"})
@access(EVERYONE)
def paper(person_id: int, form: str) -> BaseResponse:
    """The archive as PDF to print and stamp, or as DOCX to edit."""
    person = web.scope().person(web.db(), person_id)
    data = archive_data(web.db(), person, web.today())
    content = archive_pdf(data) if form == "pdf" else archive_docx(data)
    web.audit_read("archive.export", f"person:{person.id}", {"form": form})
    kind = "application/pdf" if form == "pdf" else web.DOCX
    return web.attachment(content, kind, f"{person.name}培训档案.{form}")


@archive.get("/archive/mine.json")
@access(LEARNERS)
def mine_as_data() -> BaseResponse:
    """Everything stored about the account's own person (个人信息保护法 第四十五条: 查阅、复制)."""
    person = web.scope().person(web.db(), web.person_id())
    data = json.dumps(own_data(web.db(), person), ensure_ascii=False, indent=2, default=str)
    return web.attachment(data.encode(), "application/json", "我的数据.json")


@archive.get("/archive/mine.xapi.json")
@access(LEARNERS)
def own_statements() -> BaseResponse:
    """The account's own learning records as xAPI statements."""
    entries, zone = entries_of(web.db(), web.person_id()), web.config().zone
    exported = statements(entries, web.person_id(), web.config().public_url, zone=zone)
    data = json.dumps(exported, ensure_ascii=False, indent=2)
    return web.attachment(data.encode(), "application/json", "学习记录xAPI.json")


@archive.post("/archives")
@access(MANAGERS)
def many() -> BaseResponse:
    """Queues a zip of the archives of a division."""
    division = web.scope().division(web.db(), request.form.get("division"))
    code, params = web.account().division_code, {"division": division.code}
    job = enqueue(
        web.db(),
        "archives",
        f"{division.name}培训档案",
        division_code=code,
        params=params,
        by=web.actor(),
    )
    web.audit("archive.export", f"division:{division.code}")
    web.db().commit()
    return redirect(url_for("jobs.show", job_id=job.id))


@archive.get("/certificates/<no>.pdf")
@access(EVERYONE)
def certificate(no: str) -> BaseResponse:
    certificate = find(web.db(), no)
    if certificate is None:
        raise NotFound("没有这张证书")
    web.scope().person(web.db(), certificate.person_id)
    pdf = certificates_pdf(rows_of(web.db(), [certificate.no], web.config().public_url))
    return web.attachment(pdf, "application/pdf", f"certificate-{certificate.no}.pdf")


@archive.get("/archive/record")
@access(MANAGERS)
def record() -> str:
    return render_template(
        "archive/record.html", form=RecordForm.shown(), attendance=None, files=[]
    )


@archive.post("/archive/record")
@access(MANAGERS)
def file_record() -> str | BaseResponse:
    """Files external training for many people: a preview first, then the confirmed entries."""
    form, path = RecordForm.typed(), url_for("archive.record")
    if not form.validate():
        return web.give_back(record, path, form=form)
    try:
        files = _files()
        training = _training(form, files)
        external.check(training, web.today())
        text = form.people.got
        attendance = external.read_attendance(web.db(), text, web.scope().prefix, on=training.date)
        if not attendance.found and not attendance.unclear:
            raise Refused("请写上参加的人，一行一个")
    except Refused as refused:
        return web.give_back(record, path, form=form, refusal=str(refused))
    if not pressed("confirm") or not attendance.found:
        web.db().commit()
        return render_template("archive/record.html", form=form, attendance=attendance, files=files)

    def verb() -> str:
        people = [p for p, _, _ in attendance.found]
        filed, duplicates = external.record(web.db(), training, people, by=web.actor())
        detail = {"title": training.title, "filed": filed, "files": list(files)}
        web.audit("archive.record", f"division:{web.account().division_code}", detail)
        notice = f"；{duplicates} 人已经记过，没有重复记" if duplicates else ""
        return f"“{training.title}”已记入 {filed} 人的档案{notice}。"

    return web.carry_out(verb, path, page=record, form=form)


def _files() -> tuple[str, ...]:
    """Hashes of the evidence files: stored by the preview, and uploaded with this request."""
    digests = [d for d in sent_values("kept") if evidence.is_kept(web.db(), d[:64])]
    file = request.files.get("file")
    if file is not None and file.filename:
        code = web.account().division_code
        row = evidence.keep(
            web.db(),
            web.config().evidence,
            file.read(),
            name=file.filename,
            division_code=code,
            by=web.actor(),
        )
        digests.append(row.sha256)
    return tuple(dict.fromkeys(digests))


def _training(form: RecordForm, files: tuple[str, ...]) -> external.Training:
    return external.Training(
        kind=form.kind.got,
        title=form.title.got,
        date=form.date.got,
        level=form.level.data,
        form=form.form.data if form.form.data in external.FORMS else None,
        organiser=form.organiser.got,
        hours=form.hours.data,
        confirmed_by=form.confirmed_by.got,
        files=files,
        certificate_no=form.certificate_no.data or None,
    )


@archive.get("/evidence/<digest>")
@access(EVERYONE)
def file(digest: str) -> BaseResponse:
    """An evidence file, for offices that may see the uploading office's files and for people whose entries cite it."""
    row, data = evidence.read(web.db(), web.config().evidence, digest)
    if not (_of_my_office(row) or _proves_mine(digest)):
        raise NotFound("没有这个附件")
    response = web.attachment(data, row.media_type, row.name)
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def _of_my_office(row: Evidence) -> bool:
    """Whether the file belongs to an office within the account's scope or, for managers, above it."""
    prefix, code = web.scope().prefix, row.division_code
    if web.account().role == "supervisor":
        return code.startswith(prefix)
    related = code.startswith(prefix) or prefix.startswith(prefix_of(code))
    return related and web.account().role in MANAGERS


def _proves_mine(digest: str) -> bool:
    """Whether an entry of the account's own person cites the file, or an event they are approved for shows it."""
    if web.account().person_id is None:
        return False
    if is_shown_to(web.db(), digest, web.person_id()):
        return True
    entries = entries_of(web.db(), web.person_id(), all_rows=True)
    return any(digest in (e.evidence or {}).get("files", ()) for e in entries)


@archive.post("/archive/correct")
@access(LEARNERS)
def correct() -> BaseResponse:
    """Files a correction request for the account's own archive."""
    form = CorrectionForm.typed()

    def verb() -> str:
        corrections.request_correction(
            web.db(), web.person_id(), form.text.got, entry_id=sent_id("entry")
        )
        return "已交给区（市）民政部门，答复会显示在这一页。"

    return web.carry_out(verb, url_for("archive.mine"), page=mine, form=form)


@archive.get("/archive/requests")
@access(MANAGERS)
def requests() -> str:
    rows = corrections.waiting_in(web.db(), web.scope().prefix)
    answers = {r.id: AnswerForm.shown(r.id) for r, _, _ in rows}
    return render_template("archive/requests.html", rows=rows, answers=answers)


@archive.post("/archive/requests/<int:request_id>")
@access(MANAGERS)
def decide(request_id: int) -> BaseResponse:
    rows = corrections.waiting_in(web.db(), web.scope().prefix)
    row = next((r for r, _, _ in rows if r.id == request_id), None)
    if row is None:
        raise NotFound("没有这条申请，或已经答复了")
    form, accepted = AnswerForm.typed(request_id), any(sent_values("accepted"))

    def verb() -> str:
        corrections.decide(web.db(), row, accepted, answer=form.answer.got, by=web.actor())
        web.audit("archive.decide", f"person:{row.person_id}", {"accepted": accepted})
        return "已答复。"

    return web.carry_out(verb, url_for("archive.requests"), page=requests, form=form)
