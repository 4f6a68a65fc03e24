"""Benchmark of typesetting: a batch of certificates with different names and QR codes, as one background job."""

from __future__ import annotations

import time
from datetime import date

import pypdfium2
from sqlalchemy import select
from sqlalchemy.orm import Session

from benchmarks.clock import best
from benchmarks.importing import demo_database
from benchmarks.results import Measured
from exam_app.certificates.jobs import PART, certificates_job, rows_of
from exam_app.core.background import Background
from exam_app.jobs import service
from training_records.archive.service import NewEntry, append_many
from training_records.certificates.models import Certificate
from training_records.certificates.pdf import certificates_pdf
from training_records.certificates.service import issue_for_training, make_template
from training_records.database import make_session_factory
from training_records.ledger.models import Post

CITY, TITLE, DAY = "370200000000", "年度集中培训", date(2026, 11, 24)


def render_rows(count: int) -> Measured:
    """Seconds to typeset `count` certificates in one job; the reference is a single certificate."""
    with demo_database(count) as (session, config):
        numbers = _issued(session, count)
        engine = session.get_bind()
        single = best(lambda: certificates_pdf(rows_of(session, numbers[:1], config.public_url)), 3)
        job = service.enqueue(
            session,
            "certificates",
            TITLE,
            division_code=CITY,
            params={"numbers": numbers},
            by="bench",
        )
        session.commit()
        factory = make_session_factory(engine)  # type: ignore[arg-type]
        start = time.perf_counter()
        background = Background(factory, config)
        service.run_pending(background, {"certificates": certificates_job})
        seconds = time.perf_counter() - start
        session.expire_all()
        path = service.folder_of(config, job.id) / str(job.file)
        with pypdfium2.PdfDocument(path) as document:
            pages = len(document)
        size = path.stat().st_size / 2**20
    rows = [
        {"step": "一张（参照）", "seconds": round(single, 3)},
        {
            "step": f"一批，每 {PART} 张一段",
            "certificates": len(numbers),
            "pages": pages,
            "seconds": round(seconds, 1),
            "mb": round(size, 1),
            "a_second": round(len(numbers) / seconds),
        },
    ]
    return rows, {"一批里每张÷单做一张": seconds / len(numbers) / single}


def _issued(session: Session, count: int) -> list[str]:
    people = session.scalars(
        select(Post.person_id).where(Post.role == "director").distinct().limit(count)
    ).all()
    append_many(
        session,
        [
            NewEntry(p, "training", DAY, TITLE, level="city", organiser="青岛市民政局")
            for p in people
        ],
        "bench",
    )
    template = make_template(
        session,
        CITY,
        name="结业证书",
        heading="儿童主任培训",
        body="{holder}同志（{place}），参加“{title}”，准予结业。",
        prefix="QD",
        valid_months=36,
    )
    issue_for_training(session, "3702", TITLE, on=DAY, template=template, by="bench")
    session.commit()
    query = select(Certificate.no).where(Certificate.title == TITLE)
    return list(session.scalars(query.order_by(Certificate.person_id)))
