"""Coverage: page, chart, workbook and API."""

from __future__ import annotations

import io
from datetime import date

import openpyxl

from tests.factories import CITY, TOWN


def test_coverage_page_chart_and_export(world, office):
    person = world.person(name="王秀兰")
    world.entry(person)
    world.person(name="李桂英", start=date(2020, 1, 1))
    page = office.get("/coverage?year=2026&as_of=2026-11-24&status=uncovered").text
    assert "2 人在岗，已覆盖 0 人" in page and "还没有通过考试" in page and "李桂英" in page
    svg = office.get("/coverage/chart.svg?year=2026&as_of=2026-11-24")
    assert svg.data.startswith(b"<svg") and "云桥镇".encode() in svg.data
    book = openpyxl.load_workbook(
        io.BytesIO(office.get("/coverage/export.xlsx?year=2026&as_of=2026-11-24").data)
    )
    assert book.sheetnames == ["覆盖情况", "人员名单"]
    names = [r[3].value for r in book["人员名单"].iter_rows(min_row=3)]
    assert sorted(names) == ["李桂英", "王秀兰"]
    assert all(len(r[11].value) <= 200 for r in book["人员名单"].iter_rows(min_row=3))
    api = office.get("/api/v1/coverage?year=2026&as_of=2026-11-24").json
    assert (api["in_post"], api["uncovered"], api["children"][0]["code"]) == (2, 2, TOWN)
    assert office.get("/coverage?year=x").status_code == 422


def test_the_city_sets_the_rule_and_keeps_what_it_typed(world, sign_in):
    city = sign_in(world.account("city", CITY))
    page = city.get("/coverage/rule?year=2026").text
    assert 'value="8"' in page and 'value="30"' in page
    sent = {"hours": "十二", "pending_days": "很久", "levels": ["city"], "exam": "1"}
    refused = city.form("/coverage/rule?year=2026", **sent)
    assert refused.status_code == 422 and "请填整数" in refused.text
    assert 'value="很久"' in refused.text
    sent["pending_days"] = "４５"
    assert city.form("/coverage/rule?year=2026", **sent).status_code == 302
    page = city.get("/coverage/rule?year=2026").text
    assert 'value="12"' in page and 'value="45"' in page
    assert page.count("checked") == 2
    none = city.form("/coverage/rule?year=2026", **{**sent, "levels": []})
    assert none.status_code == 422 and "至少选一个层级" in none.text
