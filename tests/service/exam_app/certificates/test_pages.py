"""Certificates are issued, printed and replaced by page."""

from __future__ import annotations

from datetime import timedelta

import pypdfium2
import pytest
from sqlalchemy import select

from exam_app.certificates.jobs import certificates_job
from exam_app.jobs import service as jobs
from exam_app.jobs.models import Job
from tests.factories import (
    DAY,
    issued,
    work_off,
)
from training_records.certificates.models import Certificate


def test_certificates_are_issued_printed_and_replaced(world, session, app, office, other):
    numbers = issued(world, session, office)
    assert len(numbers) == 3
    session.commit()
    refused = other.form("/certificates/print", title="培训", on=DAY.isoformat())
    assert refused.status_code == 422
    shown = office.form("/certificates/print", title="培训", on=DAY.isoformat())
    assert work_off(app) == 1
    with pypdfium2.PdfDocument(office.get(f"{shown.location}/file").data) as made:
        assert len(made) == 3
        assert all(no in made[at].get_textpage().get_text_range() for at, no in enumerate(numbers))
    assert other.form(f"/certificates/{numbers[0]}/void", reason="x").status_code == 404
    assert office.form(f"/certificates/{numbers[0]}/void", reason="", again="1").status_code == 422
    office.form(f"/certificates/{numbers[0]}/void", reason="名字写错", again="1")
    page = app.test_client().get(f"/verify/{numbers[0]}").text
    assert "已作废" in page and "补发" in page
    new = session.scalars(select(Certificate).where(Certificate.voided_at.is_(None))).all()
    assert len(new) == 3 and numbers[0] not in {c.no for c in new}


def test_a_batch_goes_on_where_its_process_died(world, session, app, office, monkeypatch):
    numbers = issued(world, session, office)
    session.commit()
    monkeypatch.setattr("exam_app.certificates.jobs.PART", 1)
    office.form("/certificates/print", title="培训", on=DAY.isoformat())
    made = []

    def dies(work):
        real = jobs.Work.progress

        def progress(self, done, total):
            real(self, done, total)
            if done == 2:
                raise KeyboardInterrupt

        monkeypatch.setattr(jobs.Work, "progress", progress)
        return certificates_job(work)

    with pytest.raises(KeyboardInterrupt):
        work_off(app, {"certificates": dies})
    monkeypatch.undo()
    monkeypatch.setattr("exam_app.certificates.jobs.PART", 1)
    assert work_off(app) == 0  # the process may still live
    monkeypatch.setattr(jobs, "SILENT", timedelta(0))

    import exam_app.certificates.jobs as module

    real = module.certificates_pdf
    monkeypatch.setattr(module, "certificates_pdf", lambda rows: made.append(rows) or real(rows))
    assert work_off(app) == 1
    assert len(made) == 1
    job = session.scalars(select(Job)).one()
    assert (job.state, job.done, job.tries) == ("done", len(numbers), 2)
