"""The annual self-inspection report: its figures are those of the records, and it can be written on."""

from __future__ import annotations

import io
from datetime import date

import pytest
from click.testing import CliRunner
from docx import Document

from exam_app.cli import cli
from exam_app.reports.annual import annual_docx, gather
from tests.factories import (
    DISTRICT,
    OTHER_VILLAGE,
    VILLAGE,
    VILLAGE_2,
    ZONE,
    add_case,
    add_visit,
    texts,
    today,
)
from training_records.errors import NotFound, Refused
from training_records.facts.loading import load_facts
from training_records.work.models import Activity

AS_OF = date(2026, 10, 20)


def test_the_figures_are_those_of_the_records(session, world):
    covered, short = world.person(VILLAGE), world.person(VILLAGE)
    world.entry(covered, "training", date(2026, 3, 1))
    world.entry(covered, "exam", date(2026, 3, 1), induction=True)
    other = world.person(OTHER_VILLAGE)
    entry, theirs = add_case(session), add_case(session, village=OTHER_VILLAGE)
    for month in (1, 2, 3):
        add_visit(session, short, entry, date(2026, month, 5))
        add_visit(session, other, theirs, date(2026, month, 5))
    add_visit(session, short, entry, date(2026, 4, 5), "phone", alarm=True)
    add_visit(session, short, entry, date(2025, 4, 5))
    session.add(
        Activity(
            person_id=short.id,
            division_code=VILLAGE,
            on=date(2026, 6, 1),
            theme="drowning",
            title="x",
            held=True,
            children=20,
            adults=5,
        )
    )
    session.commit()
    found = gather(session, DISTRICT, 2026, as_of=AS_OF, zone=ZONE)
    document = Document(io.BytesIO(annual_docx(session, found)))
    told = texts(document)
    for words in (
        "在岗儿童主任 2 人",
        "已覆盖 1 人",
        "覆盖率 50.0%",
        "走访对象 1 名",
        "家访 3 次、电话 1 次",
        "必须立即报告的情况 1 次，其中记下已向公安机关报告的 0 次",
        "安全类活动 1 场",
        "1 次应报告的情况没有记下报告",
        "没有儿童主任的村（社区）1 个",
        "2026年10月20日",
    ):
        assert words in told, words
    assert VILLAGE_2 and len(document.inline_shapes) == 1
    # Every one of the 23 tasks has its line; what is not known is left to be written.
    tasks = load_facts().data["policy"]["tasks"]
    assert len(tasks) == 23 and all(t["title"] in told for t in tasks)
    assert told.count("（请填写）") > 10


def test_a_year_without_records_and_one_to_come(session, world):
    world.person(VILLAGE, start=date(2026, 1, 1))
    empty = gather(session, DISTRICT, 2025, as_of=AS_OF, zone=ZONE)
    assert "没有记录" in texts(Document(io.BytesIO(annual_docx(session, empty))))
    with pytest.raises(Refused, match="还没到"):
        gather(session, DISTRICT, 2027, as_of=AS_OF, zone=ZONE)
    with pytest.raises(NotFound):
        gather(session, "370299000000", 2026, as_of=AS_OF, zone=ZONE)


def test_by_page_and_by_command(world, sign_in, tmp_path, session, monkeypatch):
    office = sign_in(world.account("district", DISTRICT))
    answer = office.get("/reports/annual.docx")
    assert answer.status_code == 200 and Document(io.BytesIO(answer.data)).tables
    assert office.get("/reports/annual.docx?year=1990").status_code == 422
    assert (
        sign_in(world.account("supervisor", "370283001000")).get("/reports/annual.docx").status_code
        == 403
    )
    url = session.get_bind().url.render_as_string(hide_password=False)
    session.commit()
    monkeypatch.setenv("ACADEMY_DATABASE_URL", url)
    monkeypatch.setenv("ACADEMY_INSTANCE", str(tmp_path))
    out = tmp_path / "报告.docx"
    arguments = ["report", "annual", "--year", "2026", "--division", DISTRICT, "--out", str(out)]
    run = CliRunner().invoke(cli, arguments)
    assert run.exit_code == 0, run.output
    assert "平度市" in texts(Document(str(out)))


@pytest.mark.time_machine("2026-11-24T10:00+08:00")
def test_an_evaluation_by_page_api_and_command(world, sign_in, session, tmp_path, monkeypatch):
    import openpyxl

    person = world.person(VILLAGE, start=date(2024, 1, 1), name="=王秀兰")
    world.entry(person, "training", today(), hours=8)
    office = sign_in(world.account("district", DISTRICT))
    assert office.get("/api/v1/evaluation").json["results"] == []
    office.form("/evaluation", year="2026")
    told = office.get("/api/v1/evaluation").json
    assert told["state"] == "self_review" and len(told["results"]) == 1
    [result] = told["results"]
    assert result["person"] == str(person.id) and result["division"] == VILLAGE
    assert len(result["dimensions"]) == 5
    # A town sees its own, another district nothing.
    town = sign_in(world.account("supervisor", "370283001000"))
    assert len(town.get("/api/v1/evaluation").json["results"]) == 1
    other = sign_in(world.account("district", "370281000000"))
    assert other.get("/api/v1/evaluation").json["results"] == []
    assert other.get(f"/api/v1/evaluation?division={DISTRICT}").status_code == 404
    book = openpyxl.load_workbook(io.BytesIO(office.get("/evaluation/1/export.xlsx").data))
    assert book.sheetnames == ["评价结果", "每一分怎么来的"]
    row = [c.value for c in list(book["评价结果"].iter_rows())[-1]]
    assert row[4] == result["total"] and str(row[1]).lstrip("'") == "=王秀兰"
    # Neutralised: no cell of it is a formula.
    assert all(c.data_type != "f" for sheet in book for line in sheet.iter_rows() for c in line)
    assert other.get("/evaluation/1/export.xlsx").status_code == 404
    monkeypatch.setenv(
        "ACADEMY_DATABASE_URL", session.get_bind().url.render_as_string(hide_password=False)
    )
    session.commit()
    monkeypatch.setenv("ACADEMY_INSTANCE", str(tmp_path))
    out = tmp_path / "r.xlsx"
    arguments = ["evaluate", "--year", "2026", "--division", DISTRICT]
    run = CliRunner().invoke(cli, [*arguments, "--format", "xlsx", "--out", str(out)])
    assert run.exit_code == 0, run.output
    sheet = openpyxl.load_workbook(out)["评价结果"]
    assert [c.value for c in list(sheet.iter_rows())[-1]][4] == result["total"]
    assert CliRunner().invoke(cli, [*arguments, "--format", "xlsx"]).exit_code == 2
