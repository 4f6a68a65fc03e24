"""Many certificates as one PDF: typeset in parts of a few hundred, which are then joined."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_app.core.lazy import LazyModule
from exam_app.jobs.service import Work
from training_records.certificates.models import Certificate, CertificateTemplate
from training_records.certificates.pdf import CertificateFields, certificates_pdf
from training_records.database import read_only
from training_records.divisions import WIDTHS, ancestor, division_names, joined_name
from training_records.errors import Refused
from training_records.files import written_whole
from training_records.ledger.models import Post

if TYPE_CHECKING:
    import pypdfium2
else:
    pypdfium2 = LazyModule("pypdfium2")

PART = 500


def certificates_job(work: Work) -> str:
    """Typesets the certificates with the given numbers, in that order, as one PDF."""
    numbers: list[str] = work.params["numbers"]
    parts = [numbers[start : start + PART] for start in range(0, len(numbers), PART)]
    work.progress(0, len(numbers))
    paths = []
    for index, part in enumerate(parts):
        path = work.folder / f"part-{index:05d}.pdf"
        # A restarted job reuses finished parts: they are written atomically.
        if not path.exists():
            with work.make_session() as session:
                pdf = certificates_pdf(rows_of(read_only(session), part, work.config.public_url))
            with written_whole(path) as partial:
                partial.write_bytes(pdf)
        paths.append(path)
        work.progress(min((index + 1) * PART, len(numbers)), len(numbers))
    _join(paths, work.folder / "certificates.pdf")
    for path in paths:
        path.unlink()
    return "certificates.pdf"


def rows_of(session: Session, numbers: list[str], public_url: str) -> list[CertificateFields]:
    """Returns the fields to typeset, in the order of `numbers`. Raises `Refused` for an unknown number."""
    by_number = {
        c.no: c for c in session.scalars(select(Certificate).where(Certificate.no.in_(numbers)))
    }
    if missing := [no for no in numbers if no not in by_number]:
        raise Refused(f"没有编号为 {missing[0]} 的证书")
    templates = {t.id: t for t in session.scalars(select(CertificateTemplate))}
    divisions = _divisions(session, list(by_number.values()))
    return [
        CertificateFields(
            by_number[no],
            templates.get(by_number[no].template_id or 0),
            divisions.get(no, ""),
            f"{public_url}/verify/{no}",
        )
        for no in numbers
    ]


def _divisions(session: Session, certificates: list[Certificate]) -> dict[str, str]:
    """Returns certificate number → full name of the division where the holder was in post on the day of issue."""
    people = {c.person_id for c in certificates}
    query = select(Post.person_id, Post.division_code, Post.start, Post.end).where(
        Post.person_id.in_(people)
    )
    posts: dict[int, list[tuple[str, object, object]]] = {}
    for person, code, start, end in session.execute(query.order_by(Post.start, Post.id)):
        posts.setdefault(person, []).append((code, start, end))
    codes = {
        c.no: next(
            (
                code
                for code, start, end in reversed(posts.get(c.person_id, []))
                if start <= c.issued_on and (end is None or end >= c.issued_on)  # type: ignore[operator]
            ),
            None,
        )
        for c in certificates
    }
    needed = {code for code in codes.values() if code}
    above = {ancestor(code, level) for code in needed for level in WIDTHS}
    names = division_names(session, codes=needed | above)
    return {no: joined_name(names, code) for no, code in codes.items() if code}


def _join(paths: list[Path], out: Path) -> None:
    merged = pypdfium2.PdfDocument.new()
    for path in paths:
        with pypdfium2.PdfDocument(path) as part:
            merged.import_pages(part)
    with written_whole(out) as partial:
        merged.save(partial)
        merged.close()
