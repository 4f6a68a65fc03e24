"""Pages of the archive: a person's file and their certificates."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from flask import Blueprint, Response, render_template, url_for

from exam_app import web
from exam_app.scope import EVERYONE, LEARNERS, access
from training_records.archive.models import KINDS
from training_records.archive.service import entries_of
from training_records.certificates.pdf import certificate_pdf
from training_records.certificates.service import find, of_person
from training_records.divisions import full_name
from training_records.errors import NotFound
from training_records.experience import experience_text
from training_records.ledger.models import ROLES, Person
from training_records.ledger.service import current_post

archive = Blueprint("archive", __name__)


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


@archive.get("/certificates/<no>.pdf")
@access(EVERYONE)
def certificate(no: str) -> Response:
    found = find(web.db(), no)
    if found is None:
        raise NotFound("没有这张证书")
    web.scope().person(web.db(), found.person_id)
    post = current_post(web.db(), found.person_id, found.issued_on)
    place = full_name(web.db(), post.division_code) if post else ""
    link = web.config().public_url + url_for("verify.certificate", no=found.no)
    pdf = certificate_pdf(found, place, link)
    return Response(
        pdf,
        mimetype="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="certificate-{found.no}.pdf"'},
    )
