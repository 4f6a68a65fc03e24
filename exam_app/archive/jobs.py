"""The archives of a division as one zip file: one PDF per person, one folder per division of a post."""

from __future__ import annotations

import zipfile
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_app.jobs.service import Work
from training_records.database import now, read_only
from training_records.divisions import full_name, get_division, prefix_of, within
from training_records.documents.archive import archive_data, archive_pdf
from training_records.files import written_whole
from training_records.ledger.models import Person, Post
from training_records.ledger.service import in_post_on

STEP = 10


def archives_job(work: Work) -> str:
    """Renders one PDF per person in post in the division and zips them. A restarted job reuses finished PDFs."""
    today = now().astimezone(work.config.zone).date()
    with work.make_session() as session:
        people = _people(read_only(session), work.params["division"], today)
    paths: list[tuple[str, str]] = []
    for number, (person_id, name) in enumerate(people):
        path = work.folder / f"{person_id}.pdf"
        if not path.exists():
            with work.make_session() as session:
                person = session.get_one(Person, person_id)
                pdf = archive_pdf(archive_data(session, person, today))
            with written_whole(path) as partial:
                partial.write_bytes(pdf)
        paths.append((path.name, name))
        if number % STEP == 0:
            work.progress(number, len(people))
    archive = work.folder / "archives.zip"
    with (
        written_whole(archive) as partial,
        zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as out,
    ):
        for file, name in paths:
            out.write(work.folder / file, name)
    for file, _ in paths:
        (work.folder / file).unlink()
    work.progress(len(people), len(people))
    return "archives.zip"


def _people(session: Session, code: str, today: date) -> list[tuple[int, str]]:
    """Returns (person id, name in the zip) of those in post, ordered by division."""
    get_division(session, code)
    query = (
        select(Person.id, Person.name, Post.division_code)
        .join(Post, Post.person_id == Person.id)
        .where(within(Post.division_code, prefix_of(code)), in_post_on(today))
        .order_by(Post.division_code, Person.id)
    )
    file_names: dict[int, str] = {}
    paths: dict[str, str] = {}
    for person_id, name, division in session.execute(query):
        paths.setdefault(division, full_name(session, division))
        file_names.setdefault(person_id, f"{paths[division]}/{name}-{person_id}.pdf")
    return list(file_names.items())
