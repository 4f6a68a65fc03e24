"""The ledger is imported by page."""

from __future__ import annotations

import io
import os
from datetime import timedelta

import openpyxl
import pytest
from sqlalchemy import func, select

from exam_app.audit.models import AuditEntry
from exam_app.jobs import service as jobs
from exam_app.jobs.models import Job
from tests.factories import (
    DISTRICT,
    row,
    work_off,
    workbook,
)
from training_records.ledger.models import ImportBatch, Person, Post


def test_an_import_is_undone_from_its_page(world, session, office, other):
    files = {"file": (io.BytesIO(workbook([row(), row("李桂英", "1380000")])), "台账.xlsx")}
    checked = office.client.post("/ledger/import", data=files, headers=office.headers)
    assert "没有入职查询日期" in checked.text
    key = checked.text.split('action="/ledger/import/')[1].split('"')[0].split("/")[0]
    assert office.form(f"/ledger/import/{key}").status_code == 422
    assert office.form(f"/ledger/import/{key}", accept="good").status_code == 302
    batch = session.scalars(select(ImportBatch)).one()
    assert (batch.name, batch.new) == ("台账.xlsx", 1)
    session.commit()
    assert other.form(f"/ledger/imports/{batch.id}/undo").status_code == 404
    assert office.form(f"/ledger/imports/{batch.id}/undo").status_code == 302
    assert session.scalar(select(Person.id)) is None
    assert "已撤销" in office.get("/ledger/import").text


def test_a_large_import_is_written_in_the_background(
    world, session, app, office, other, monkeypatch
):
    monkeypatch.setattr("exam_app.ledger.importing.AT_ONCE", 0)
    session.commit()

    def asked(rows, **how):
        files = {"file": (io.BytesIO(workbook(rows)), "全市.xlsx")}
        checked = office.client.post("/ledger/import", data=files, headers=office.headers)
        key = checked.text.split('action="/ledger/import/')[1].split('"')[0].split("/")[0]
        page = office.form(f"/ledger/import/{key}", **how).location
        # What was asked for can't be asked for again.
        assert office.form(f"/ledger/import/{key}", **how).status_code == 404
        return page

    rows = [row(), row("李桂英", "13800000002")]
    page = asked(rows)
    assert (
        session.scalar(select(Person.id)) is None and "导入台账：全市.xlsx" in office.get(page).text
    )
    session.commit()
    assert other.get(page).status_code == 404
    assert work_off(app) == 1
    batch = session.scalars(select(ImportBatch)).one()
    assert (batch.name, batch.new, batch.division_code) == ("全市.xlsx", 2, DISTRICT)
    logged = session.scalars(select(AuditEntry).where(AuditEntry.action == "ledger.import")).one()
    assert (logged.scope, logged.detail["new"]) == (DISTRICT, 2) and logged.request_id
    session.commit()
    assert "去看新增" in office.get(page).text
    assert not list((app.config["ACADEMY"].instance / "uploads").iterdir())
    # With faults nothing is written, unless the good ones are asked for.
    bad = [*rows, row("王五", "1380000"), row("赵六", "13800000003")]
    page = asked(bad)
    work_off(app)
    assert "有 1 处要改，没有写入" in office.get(page).text
    page = asked(bad, accept="good")
    work_off(app)
    assert "去看新增" in office.get(page).text
    assert session.scalar(select(func.count()).select_from(Person)) == 3


def test_an_import_whose_process_died_is_written_once(world, session, app, office, monkeypatch):
    from exam_app.ledger import importing

    monkeypatch.setattr(importing, "AT_ONCE", 0)
    session.commit()
    files = {"file": (io.BytesIO(workbook([row()])), "全市.xlsx")}
    checked = office.client.post("/ledger/import", data=files, headers=office.headers)
    key = checked.text.split('action="/ledger/import/')[1].split('"')[0].split("/")[0]
    office.form(f"/ledger/import/{key}")

    def dies(path):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(importing, "forget", dies)
        with pytest.raises(KeyboardInterrupt):
            work_off(app)
    monkeypatch.setattr(jobs, "SILENT", timedelta(0))
    assert work_off(app) == 1
    assert session.scalars(select(Job.state)).one() == "done"
    assert session.scalar(select(func.count()).select_from(Post)) == 1


def test_uploads_age_by_the_clock_of_their_file_system(world, sign_in, config, clock):
    """A machine whose clock is ahead, or that was put right, throws nobody's upload away."""
    clock.at += timedelta(days=400)
    office = sign_in(world.account("district", DISTRICT))
    folder = config.instance / "uploads"

    def kept():
        files = {"file": (io.BytesIO(workbook([row()])), "台账.xlsx")}
        office.client.post("/ledger/import", data=files, headers=office.headers)
        return len(list(folder.glob("*.xlsx")))

    assert [kept(), kept()] == [1, 2]
    for path in folder.iterdir():
        os.utime(path, (0, 0))
    assert kept() == 1


def test_ledger_import_in_two_steps(world, office):
    good = workbook([row()])
    bad = workbook([row("赵明", "13800000007"), row("李桂英", "1380000")])
    checked = office.client.post(
        "/ledger/import", data={"file": (io.BytesIO(good), "a.xlsx")}, headers=office.headers
    )
    assert "确认导入 1 行" in checked.text
    assert "王秀兰" not in office.get("/ledger").text
    key = checked.text.split('action="/ledger/import/')[1].split('"')[0]
    assert office.form(f"/ledger/import/{key}").status_code == 302
    assert "王秀兰" in office.get("/ledger").text
    assert office.form(f"/ledger/import/{key}").status_code == 404
    checked = office.client.post(
        "/ledger/import", data={"file": (io.BytesIO(bad), "b.xlsx")}, headers=office.headers
    )
    assert "只有 7 位" in checked.text and "第 3 行" in checked.text
    key = checked.text.split('action="/ledger/import/')[1].split('"')[0]
    errors = openpyxl.load_workbook(
        io.BytesIO(office.get(f"/ledger/import/{key}/errors.xlsx").data)
    ).active
    assert errors["A3"].value == 3
    refused = office.client.post(
        "/ledger/import", data={"file": (io.BytesIO(b"x"), "c.xlsx")}, headers=office.headers
    )
    assert refused.status_code == 422 and "不是 Excel" in refused.text
    assert office.get("/ledger/import/../../etc/errors.xlsx").status_code == 404
