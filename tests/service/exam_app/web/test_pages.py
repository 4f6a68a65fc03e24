from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date, timedelta

import openpyxl
from sqlalchemy.exc import OperationalError

from exam_app.application import create_app
from exam_app.web.services import services_of
from tests.conftest import Api
from tests.factories import CITY, DISTRICT, PASSWORD, TOWN, VILLAGE, study
from tests.service.training_records.ledger.test_importer import row, workbook
from training_records.facts.loading import load_facts


def test_headers_are_strict_and_errors_carry_a_request_id(app, world, sign_in):
    api = sign_in(world.account("district", DISTRICT))
    answer = api.get("/coverage")
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    missing = api.get("/archive/999")
    assert missing.status_code == 404 and missing.headers["X-Request-ID"] in missing.text
    assert api.get("/no-such-page").status_code == 404
    assert api.get("/api/v1/people/999/records").mimetype == "application/problem+json"


# A report to keep: it is opened from a disk, where no policy and no other file goes with it.
ON_ITS_OWN = {"stats/report.html"}
INLINE = re.compile(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", re.I)


def test_no_template_holds_inline_script_or_style(app):
    names = [name for name in app.jinja_loader.list_templates() if name.endswith(".html")]
    assert {"base.html", "exams/take.html"} | ON_ITS_OWN <= set(names)
    for name in set(names) - ON_ITS_OWN:
        source, _, _ = app.jinja_loader.get_source(app.jinja_env, name)
        assert INLINE.search(source) is None, name
    for line in ("<script>x</script>", "<p style='x'>", "<a onclick=x>", "<style>"):
        assert INLINE.search(line)


def test_a_lost_database_is_a_503_that_says_so(app, world, sign_in, monkeypatch):
    api = sign_in(world.account("district", DISTRICT))

    def lost(*_):
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr("exam_app.web.sign_in.find_session", lost)
    for path in ("/", "/login", "/api/v1/coverage"):
        answer = api.get(path)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30"), path
        assert "数据库暂时忙" in answer.get_data(as_text=True)
    monkeypatch.undo()
    assert api.get("/").status_code == 200


def test_the_card_on_the_first_page_counts_what_its_link_lists(world, office):
    world.person()
    world.person(background_next_due=date(2020, 1, 1))
    world.person(background_next_due=date(2099, 1, 1))
    world.person(TOWN, "supervisor")
    assert '没登记的 <strong class="num">3</strong> 条' in office.get("/").text
    assert "共 3 条在任记录" in office.get("/ledger?due=1").text


def test_health(app):
    client = app.test_client()
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz").status_code == 200


def test_a_course_gives_its_hours_once_all_units_are_done(world, sign_in):
    account = world.account("director", VILLAGE)
    api = sign_in(account)
    course = load_facts().courses[0]
    assert "开始学习" in api.get("/").text
    # A unit that was never opened is not finished by asking for it.
    assert api.form(f"/learn/{course.id}/{course.units[0].id}").status_code == 302
    study(api, course)
    records = api.get(f"/api/v1/people/{account.person_id}/records").json["records"]
    assert [(r["kind"], r["hours"], r["level"], r["organiser"]) for r in records] == [
        ("course", 8.0, "区(市)", "平度市民政局")
    ]
    api.form(f"/learn/{course.id}/{course.units[0].id}")
    assert len(api.get(f"/api/v1/people/{account.person_id}/records").json["records"]) == 1


def test_practice_marks_and_leaves_out_the_exam(world, sign_in):
    exam = world.exam()
    api = sign_in(world.account("director", VILLAGE))
    reserved = {item["id"] for item in exam.forms[0].items}
    page = api.get("/practice?all=1").text
    assert page.count('name="item"') == 5
    assert not any(f'value="{item}"' in page for item in reserved)
    marked = api.form("/practice", item="duties-0007", **{"duties-0007": "A"})
    assert "题答对" in marked.text and "看知识库" in marked.text


def test_coverage_page_chart_and_export(world, office):
    person = world.person(name="王秀兰")
    world.entry(person)
    world.person(name="李桂英", start=date(2020, 1, 1))
    page = office.get("/coverage?year=2026&as_of=2026-11-24&status=uncovered").text
    assert "2 人在岗,已覆盖 0 人" in page and "还没有通过考试" in page and "李桂英" in page
    svg = office.get("/coverage/chart.svg?year=2026&as_of=2026-11-24")
    assert svg.data.startswith(b"<?xml") and "云桥镇".encode() in svg.data
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


def test_an_office_opens_an_account_and_resets_it(world, office):
    person = world.person(name="王秀兰")
    page = office.form(f"/ledger/{person.id}/account")
    password = page.text.split('id="initial-password">')[1].split("<")[0]
    client = office.client.application.test_client()
    answer = client.post("/api/v1/login", json={"phone": person.phone, "password": password})
    assert answer.json["user"]["must_change_password"] is True
    assert client.get("/api/v1/exams").status_code == 403
    assert office.form(f"/ledger/{person.id}/account").status_code == 422
    assert "重设密码" in office.get(f"/admin?q={person.phone}").text


def test_openapi_describes_every_endpoint(app):
    document = app.test_client().get("/api/v1/openapi.json").json
    paths = {(p, m) for p, ms in document["paths"].items() for m in ms}
    assert ("/api/v1/attempts/{attempt_id}/answers", "put") in paths
    routes = [
        r
        for r in app.url_map.iter_rules()
        if r.rule.startswith("/api/v1") and r.endpoint != "api.openapi"
    ]
    assert len(paths) == len(routes)
    text = str(document)
    assert all(
        f"#/components/schemas/{name}" in text for name in ("CoverageOut", "StartOut", "Problem")
    )


def test_numbers_that_no_column_holds(world, sign_in):
    office = sign_in(world.account("district", DISTRICT))
    huge = str(10**30)
    assert office.get(f"/archive/{huge}").status_code == 404
    answers = [
        office.form("/office-tasks", withdraw=huge),
        office.form("/coverage", division=huge),
        office.get(f"/coverage?year={huge}"),
        office.get(f"/exemplars?year={huge}"),
        office.get(f"/cases?year={huge}"),
    ]
    assert all(a.status_code < 500 for a in answers), [a.status_code for a in answers]


def test_the_log_of_what_was_done_by_scope(world, sign_in):
    office = sign_in(world.account("district", DISTRICT))
    due = (date.today() + timedelta(days=3)).isoformat()
    for number in range(52):
        office.form("/office-tasks", title=f"材料 {number}", due_on=due)
    page = office.get("/admin/log").text
    assert page.count("task.give") == 50 and "材料 51" in page and "更早的" in page
    older = re.search(r'href="(/admin/log\?[^"]*before=\d+)"', page)[1].replace("&amp;", "&")
    assert "材料 0" in office.get(older).text
    assert "没有符合的记录" in office.get("/admin/log?q=ledger").text
    assert "task.give" in office.get("/admin/log?q=task").text
    assert "task.give" in sign_in(world.account("city", CITY)).get("/admin/log").text
    other = sign_in(world.account("district", "370281000000"))
    assert "task.give" not in other.get("/admin/log").text
    assert sign_in(world.account("supervisor", TOWN)).get("/admin/log").status_code == 403


def test_who_takes_personal_data_along_says_why(clean, config, world):
    app = create_app(replace(config, export_reason="required"), clean)
    world.person()
    office = Api(app, world.account("district", DISTRICT).phone, PASSWORD)
    asked = office.get("/ledger/export.xlsx?division=370283000000&q=1")
    assert asked.status_code == 200 and "为什么要导出" in asked.text
    assert 'name="division" value="370283000000"' in asked.text
    assert office.get("/ledger/export.xlsx?reason=%20").status_code == 422
    answer = office.get("/ledger/export.xlsx?reason=年度自查")
    assert answer.mimetype.endswith("spreadsheetml.sheet")
    assert "reason 年度自查" in office.get("/admin/log?q=ledger").text
    # One's own data is one's own.
    account = world.account("director")
    phone = Api(app, account.phone, PASSWORD)
    assert phone.get("/archive/mine.json").mimetype == "application/json"
    services_of(app).close()
