"""No child's identity anywhere: every table, every export and the log of a demonstration year are looked through."""

from __future__ import annotations

import io
import json
import re
import zipfile

import openpyxl
import pytest
from docx import Document
from pypdf import PdfReader
from sqlalchemy import select
from structlog.testing import capture_logs

from exam_app.demo.seed import PASSWORD as DEMO_PASSWORD
from exam_app.demo.seed import seed_demo
from exam_app.migrations.metadata import metadata
from exam_app.work.options import known_cadences, visit_options
from tests.conftest import Api
from tests.factories import CITY, DISTRICT, path_of, today
from training_records.database import now
from training_records.evaluation.allowances import keep_rules
from training_records.evaluation.models import EvaluationRun
from training_records.evaluation.scheme import load_scheme
from training_records.evaluation.scheme_store import save_scheme
from training_records.work.models import FORMS

IDENTITY = re.compile(
    r"(?<![0-9A-Za-z])[1-9]\d{5}(19|20)\d{2}(0[1-9]|1[0-2])\d{5}[\dXx](?![0-9A-Za-z])"
)
CODE = re.compile(r"\d{2}-\d{2}")
# A code of the caseload as a word of its own, which no date or number holds.
TEACHING = {"sheets", "bank", "courses"}  # Questions and courses tell of 03-07 as an example.
CASE_WORD = re.compile(r"(?<![\d\-–])\d{2}-\d{2}(?![\d\-])")


@pytest.fixture
def year(session, config):
    """A demonstration year of some people."""
    seed_demo(session, config, 150)
    return session


def test_values_of_a_demonstration_year(year):
    options = visit_options(today())
    ticks = {a for answers in options.checks.values() for a in answers}
    cases = metadata.tables["case_entry"]
    visits = metadata.tables["visit"]
    rows = year.execute(select(cases)).mappings().all()
    assert len(rows) > 100
    for row in rows:
        assert CODE.fullmatch(row["code"]) and set(row["categories"]) <= set(
            known_cadences(today())
        )
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


def texts_of(answer):
    """The texts of a file that an office takes along; nothing for a page. Fails for a kind it can't read."""
    kind, data = answer.mimetype, answer.data
    if kind in (
        "text/html",
        "image/svg+xml",
        "text/css",
        "text/javascript",
        "application/problem+json",
    ):
        return []
    if kind == "application/zip":
        with zipfile.ZipFile(io.BytesIO(data)) as whole:
            names = whole.namelist()
            return [*names, *(whole.read(n).decode("utf-8", "replace") for n in names)]
    if kind.endswith("spreadsheetml.sheet"):
        book = openpyxl.load_workbook(io.BytesIO(data))
        return [str(c.value) for sheet in book for row in sheet.iter_rows() for c in row if c.value]
    if kind.endswith("wordprocessingml.document"):
        document = Document(io.BytesIO(data))
        cells = [c.text for t in document.tables for r in t.rows for c in r.cells]
        return [p.text for p in document.paragraphs] + cells
    if kind == "application/pdf":
        return [page.extract_text() for page in PdfReader(io.BytesIO(data)).pages]
    if kind == "image/png":
        return []
    assert kind.startswith("text/") or "json" in kind or "yaml" in kind, kind
    return [answer.text]


def test_exports_and_log_of_a_demonstration_year(year, app, sign_in):
    """Every route that an office may read is asked for; what comes as a file is looked through, and the log."""
    accounts = metadata.tables["account"]
    cases = set(year.scalars(select(metadata.tables["case_entry"].c.code)))
    phones = {
        role: year.scalar(select(accounts.c.phone).where(accounts.c.role == role).limit(1))
        for role in ("district", "city", "supervisor")
    }
    day = today()
    run = EvaluationRun(
        division_code=DISTRICT, year=day.year, as_of=day, reckoned_at=now(), created_by="t",
        scheme=load_scheme("2026").model_dump(mode="json"),
    )  # fmt: skip
    year.add(run)
    keep_rules(year, DISTRICT, day.year, texts={"part_time": "100"}, by="t")
    save_scheme(year, CITY, day.year + 1, scheme=load_scheme("2026"), by="t")
    year.commit()
    values = {"person_id": 2, "run_id": run.id, "year": day.year + 1, "form": "docx", "kind": "x"}
    files, pages = {}, 0
    with capture_logs() as events:
        for role, phone in phones.items():
            office = Api(app, phone, DEMO_PASSWORD)
            for rule in app.url_map.iter_rules():
                roles = getattr(app.view_functions[rule.endpoint], "access", ())
                if "GET" not in rule.methods or role not in roles or "logout" in rule.endpoint:
                    continue
                answer = office.get(path_of(rule, values))
                pages += 1
                if answer.status_code == 200 and (texts := texts_of(answer)):
                    files[role, rule.endpoint, rule.rule] = texts
    log = json.dumps(events, ensure_ascii=False, default=str)
    assert pages > 200
    named = {endpoint for _, endpoint, _ in files}
    assert named >= {
        "ledger.export", "evaluation.export", "reports.annual", "allowances.export",
        "coverage.export", "archive.paper", "schemes.download",
    }  # fmt: skip
    for where, texts in [*files.items(), ("log", [log])]:
        for text in texts:
            assert not IDENTITY.search(text), where
            # Not even the codes leave the village in a report, a ledger or the log.
            if where[1].split(".")[0] not in TEACHING:
                assert text not in cases and not CASE_WORD.search(text), (where, text[:200])


def test_the_log_of_a_visit_says_nothing_of_it(world, sign_in):
    phone = sign_in(world.account("director"))
    check, answer = sorted(visit_options(today()).alarms)[0]
    with capture_logs() as events:
        phone.form("/caseload", code="03-07", categories=["orphan"])
        case = phone.get("/visits/data.json").json["due"][0]["case"]
        day = today().isoformat()
        body = {"key": "k" * 12, "case": case, "on": day, "form": "home"}
        good, bad = {check: answer}, {"姓名": "王小明"}
        phone.post("/visits/sync", {"visits": [{**body, "findings": good}]})
        phone.post("/visits/sync", {"visits": [{**body, "key": "j" * 12, "findings": bad}]})
    log = json.dumps(events, ensure_ascii=False, default=str)
    assert log.count("work.sync") == 2
    for word in ("03-07", "王小明", answer, check):
        assert word not in log
