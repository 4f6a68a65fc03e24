"""No child's identity anywhere: every table, every export and the log of a demonstration year are looked through."""

from __future__ import annotations

import io
import json
import re
from datetime import date

import openpyxl
import pytest
from docx import Document
from sqlalchemy import String, Text, select
from structlog.testing import capture_logs

from exam_app.demo.seed import seed_demo
from exam_app.models import metadata
from exam_app.reports.annual import annual_docx, gather
from exam_app.work.options import known_cadences, visit_options
from tests.factories import DISTRICT, ZONE
from training_records.ledger.export import write_ledger
from training_records.work.models import FORMS

# Words by which a column would name a child, those around it, or where it lives.
NAMING = re.compile(
    r"child_?name|kid|guardian|father|mother|parent_name|address|home_?town|school_name|"
    r"id_?(card|number)|identity_number|birth_?place|ward|小孩|儿童姓名|身份证"
)
# Tables in which a child of the caseload is spoken of, with the only texts they hold.
ABOUT_CHILDREN = {
    "case_entry": {"division_code", "code", "by"},
    "visit": {"key", "form", "photo"},
    "visit_check": {"division_code", "note", "by"},
    "satisfaction_answer": {"key"},
}
IDENTITY = re.compile(
    r"(?<![0-9A-Za-z])[1-9]\d{5}(19|20)\d{2}(0[1-9]|1[0-2])\d{5}[\dXx](?![0-9A-Za-z])"
)
CODE = re.compile(r"\d{2}-\d{2}")


@pytest.fixture
def year(session, config):
    """A demonstration year of some people."""
    seed_demo(session, config, 150)
    return session


def test_no_column_names_a_child():
    for table in metadata.sorted_tables:
        for column in table.c:
            assert not NAMING.search(column.name), (table.name, column.name)


def test_tables_about_children_hold_no_free_text():
    for name, allowed in ABOUT_CHILDREN.items():
        columns = metadata.tables[name].c
        assert {c.name for c in columns if isinstance(c.type, String | Text)} == allowed, name
    # What a supervisor notes of a check is short, and says so beside the field.
    assert metadata.tables["visit_check"].c.note.type.length <= 60


def test_values_of_a_demonstration_year(year):
    options = visit_options()
    ticks = {a for answers in options.checks.values() for a in answers}
    cases = metadata.tables["case_entry"]
    visits = metadata.tables["visit"]
    rows = year.execute(select(cases)).mappings().all()
    assert len(rows) > 100
    for row in rows:
        assert CODE.fullmatch(row["code"]) and set(row["categories"]) <= set(known_cadences())
    seen = year.execute(select(visits)).mappings().all()
    assert len(seen) > 100
    for row in seen:
        assert row["form"] in FORMS and set(row["findings"]) <= set(options.checks)
        assert set(row["findings"].values()) <= ticks
        assert set(row["needs"]) <= set(options.needs)
        assert set(row["measures"]) <= set(options.measures)
    for table in metadata.sorted_tables:
        for row in year.execute(select(table)).mappings():
            for column, value in row.items():
                text = value if isinstance(value, str) else json.dumps(value, default=str)
                assert not IDENTITY.search(text), (table.name, column)
    year.rollback()


def test_exports_of_a_demonstration_year(year):
    today = date.today()
    out = io.BytesIO()
    place = "平度市"
    write_ledger(year, "370283", place, today, out)
    book = openpyxl.load_workbook(io.BytesIO(out.getvalue()))
    cells = [str(c.value) for sheet in book for row in sheet.iter_rows() for c in row if c.value]
    report = Document(
        io.BytesIO(annual_docx(year, gather(year, DISTRICT, today.year, today, ZONE)))
    )
    texts = [p.text for p in report.paragraphs]
    texts += [c.text for t in report.tables for r in t.rows for c in r.cells]
    codes = set(year.scalars(select(metadata.tables["case_entry"].c.code)))
    for text in cells + texts:
        assert not IDENTITY.search(text)
    # Not even the codes leave the village in a report or a ledger.
    assert not codes & set(cells) and not codes & set(texts)
    year.rollback()


def test_the_log_of_a_visit_says_nothing_of_it(world, sign_in):
    phone = sign_in(world.account("director"))
    check, answer = sorted(visit_options().alarms)[0]
    with capture_logs() as events:
        phone.form("/caseload", code="03-07", categories=["orphan"])
        case = phone.get("/visits/data.json").json["due"][0]["case"]
        day = date.today().isoformat()
        body = {"key": "k" * 12, "case": case, "on": day, "form": "home"}
        good, bad = {check: answer}, {"姓名": "王小明"}
        phone.post("/visits/sync", {"visits": [{**body, "findings": good}]})
        phone.post("/visits/sync", {"visits": [{**body, "key": "j" * 12, "findings": bad}]})
    log = json.dumps(events, ensure_ascii=False, default=str)
    assert log.count("work.sync") == 2
    for word in ("03-07", "王小明", answer, check):
        assert word not in log
