"""Pages of the archive: a person's file and their certificates."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from exam_app import web
from exam_app.archive.data import person_data
from exam_app.certificates.jobs import rows_of
from exam_app.jobs.service import ask
from exam_app.scope import EVERYONE, LEARNERS, MANAGERS, access
from training_records.archive.document import archive_data, archive_docx, archive_pdf
from training_records.archive.models import KINDS
from training_records.archive.service import entries_of
from training_records.certificates.pdf import certificates_pdf
from training_records.certificates.service import find, of_person
from training_records.divisions import full_name
from training_records.errors import NotFound
from training_records.experience import experience_text
from training_records.ledger.models import ROLES, Person

archive = Blueprint("archive", __name__)
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def person_file(person: Person) -> dict[str, Any]:
    """What a person's page shows."""
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
    }


@archive.get("/archive")
@access(LEARNERS)
def mine() -> str:
    person = web.scope().person(web.db(), web.person_id())
    return render_template("archive/person.html", mine=True, **person_file(person))


@archive.get("/archive/<int:person_id>")
@access(EVERYONE)
def person(person_id: int) -> str:
    found = web.scope().person(web.db(), person_id)
    return render_template(
        "archive/person.html", mine=person_id == web.account().person_id, **person_file(found)
    )


@archive.get("/archive/<int:person_id>.pdf", defaults={"form": "pdf"})
@archive.get("/archive/<int:person_id>.docx", defaults={"form": "docx"})
@access(EVERYONE)
@web.writes
def paper(person_id: int, form: str) -> BaseResponse:
    """The archive on A4, to print and seal or to edit."""
    found = web.scope().person(web.db(), person_id)
    data = archive_data(web.db(), found, web.today())
    web.audit("archive.export", f"person:{found.id}", {"form": form})
    web.db().commit()
    if form == "pdf":
        return web.attachment(archive_pdf(data), "application/pdf", f"{found.name}培训档案.pdf")
    return web.attachment(archive_docx(data), DOCX, f"{found.name}培训档案.docx")


@archive.get("/archive/mine.json")
@access(LEARNERS)
def own_data() -> BaseResponse:
    """Everything that the system keeps of oneself (个人信息保护法 第四十五条: 查阅、复制)."""
    found = web.scope().person(web.db(), web.person_id())
    data = json.dumps(person_data(web.db(), found), ensure_ascii=False, indent=2, default=str)
    return web.attachment(data.encode(), "application/json", "我的数据.json")


@archive.post("/archives")
@access(MANAGERS)
def many() -> BaseResponse:
    """Everyone's archive in a division, as a zip made in the background."""
    division = web.scope().division(web.db(), request.form.get("division"))
    code, params = web.account().division_code, {"division": division.code}
    job = ask(web.db(), "archives", f"{division.name}培训档案", code, params, web.actor())
    web.audit("archive.export", f"division:{division.code}")
    web.db().commit()
    return redirect(url_for("jobs.show", job_id=job.id))


@archive.get("/certificates/<no>.pdf")
@access(EVERYONE)
def certificate(no: str) -> BaseResponse:
    found = find(web.db(), no)
    if found is None:
        raise NotFound("没有这张证书")
    web.scope().person(web.db(), found.person_id)
    pdf = certificates_pdf(rows_of(web.db(), [found.no], web.config().public_url))
    return web.attachment(pdf, "application/pdf", f"certificate-{found.no}.pdf")
