"""Model workers by page, and what reaches the knowledge base; allowances by page."""

from __future__ import annotations

import io
from datetime import timedelta

import openpyxl
import pytest

from tests.factories import OTHER_DISTRICT, VILLAGE, VILLAGE_2, evaluated, today, work_off
from training_records.exemplars.models import Exemplar
from training_records.ledger.models import Person

YEAR = 2026
pytestmark = pytest.mark.time_machine("2026-11-24T10:00+08:00")


def test_from_candidate_to_the_knowledge_base(world, sign_in, office, city, session, app):
    account = world.account("director", VILLAGE)
    evaluated(session, YEAR, {world.session.get(Person, account.person_id): "优秀"})
    phone = sign_in(account)
    assert "推荐" in office.get("/exemplars").text
    form = office.get(f"/exemplars/nominate/{account.person_id}").text
    assert "公布的话" in form
    told = {"material": "三年都好", "words": "风雨无阻，孩子都认得她。"}
    refused = office.form(f"/exemplars/nominate/{account.person_id}", **{**told, "words": ""})
    assert refused.status_code == 422 and "三年都好" in refused.text
    office.form(f"/exemplars/nominate/{account.person_id}", **told)
    assert "风雨无阻" in phone.get("/exemplars").text and "推荐您当典型" in phone.get("/").text
    phone.form("/exemplars/1/own", agree="1")
    assert "推荐您当典型" not in phone.get("/").text
    office.form("/exemplars/1", publish="1", days="5")
    neighbour = sign_in(world.account("director", VILLAGE_2))
    assert "有意见" in neighbour.get("/exemplars").text
    neighbour.form("/exemplars/1/objection", text="材料里日期不对")
    far = sign_in(world.account("director", "370281001001"))
    assert far.form("/exemplars/1/objection", text="x").status_code == 404
    office.form("/exemplars/1", objection="1", text="已更正")
    session.get(Exemplar, 1).publicity_until = today() - timedelta(days=1)
    session.commit()
    assert "由市民政局选定" in office.form("/exemplars/1", choose="1").text
    city.get(city.form("/exemplars/1", choose="1").location)
    assert "2026年儿童主任典型" in phone.get("/archive").text
    assert "更新知识库" in city.get("/jobs").text
    seen = []
    work_off(app, {"publish": lambda work: seen.append(work)})
    assert len(seen) == 1
    # Taken back: another job, and nothing to publish.
    phone.form("/exemplars/1/own")
    assert "撤回" in phone.get("/exemplars").text
    work_off(app, {"publish": lambda work: seen.append(work)})
    assert len(seen) == 2
    other = sign_in(world.account("district", OTHER_DISTRICT))
    assert other.get("/exemplars/1").status_code == 404
    assert other.form("/exemplars/1", publish="1").status_code == 404


def test_allowances_by_page(world, office, sign_in, session):
    person = world.person(VILLAGE, full_time=False)
    evaluated(session, YEAR, {person: "优秀"}, state="publicity")
    assert "还没有填标准" in office.get("/evaluation/1/allowances.xlsx").text
    office.form("/evaluation/1/allowances", **{"r-part_time": "100", "r-grade:优秀": "500"})
    page = office.get("/evaluation/1/allowances").text
    assert "1,700.00 元" in page and "只供测算" in page
    bad = office.form("/evaluation/1/allowances", **{"r-part_time": "一百"})
    assert "不是金额" in bad.text
    answer = office.get("/evaluation/1/allowances.xlsx")
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    assert "未定稿" in str(book["补贴"]["A1"].value)
    other = sign_in(world.account("district", OTHER_DISTRICT))
    assert other.get("/evaluation/1/allowances").status_code == 404
    town = sign_in(world.account("supervisor", "370283001000"))
    assert town.get("/evaluation/1/allowances").status_code == 403
