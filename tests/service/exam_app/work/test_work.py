"""Pages of the daily work: by phone and by office; what a phone may not send."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest
from PIL import Image
from sqlalchemy import select

from exam_app.work.options import visit_options
from tests.factories import DISTRICT, OTHER_VILLAGE, TOWN, VILLAGE
from training_records.database import now
from training_records.work.models import CaseEntry, Visit


@pytest.fixture
def phone(world, sign_in):
    return sign_in(world.account("director", VILLAGE))


def add(phone, code="03-07", *categories):
    phone.form("/caseload", code=code, categories=list(categories) or ["orphan"])
    return phone.get("/visits/data.json").json["due"][0]["case"]


def today(phone):
    return phone.get("/visits/data.json").json["today"]


def told(phone, case, key="k" * 12, **more):
    return {"key": key, "case": case, "on": today(phone), "form": "home", "findings": {}, **more}


def test_from_the_list_to_the_record(phone, session):
    case = add(phone)
    assert "走访 1 个孩子" in phone.get("/").text
    answer = phone.post("/visits/sync", {"visits": [told(phone, case)] * 2}).json
    assert answer == {"taken": ["k" * 12, "k" * 12], "refused": {}}
    assert phone.get("/visits/data.json").json["due"][0]["state"] == "done"
    assert "03-07" in phone.get("/visits").text
    assert "走访 1 个孩子" not in phone.get("/").text
    assert len(session.scalars(select(Visit)).all()) == 1
    session.commit()


def test_what_a_phone_may_not_send_is_named(world, phone, sign_in, session):
    case = add(phone)
    theirs = add(sign_in(world.account("director", OTHER_VILLAGE)))
    odd = [
        told(phone, theirs, "a" * 12),
        told(phone, 10**12, "b" * 12),
        told(phone, "x", "c" * 12),
        {**told(phone, case, "d" * 12), "on": "31.2.2026"},
        {**told(phone, case, "e" * 12), "findings": ["x"]},
        {**told(phone, case, "f" * 12), "findings": {"姓名": "王小明"}},
        {**told(phone, case, "g" * 12), "needs": "x"},
        {**told(phone, case, "h" * 12), "measures": ["x" * 5000]},
        {**told(phone, case, "short")},
        "text",
    ]
    answer = phone.post("/visits/sync", {"visits": [*odd, told(phone, case, "z" * 12)]}).json
    assert answer["taken"] == ["z" * 12]
    assert set(answer["refused"]) == {c * 12 for c in "abcdefgh"}
    assert len(session.scalars(select(Visit)).all()) == 1
    session.commit()
    for body in ({}, [], {"visits": 1}, {"visits": [told(phone, case)] * 101}):
        assert phone.post("/visits/sync", body).status_code == 422


def test_an_alarm_comes_first_until_it_is_reported(phone, session):
    case = add(phone)
    check, answer = sorted(visit_options(now().date()).alarms)[0]
    phone.post("/visits/sync", {"visits": [told(phone, case, findings={check: answer})]})
    assert "立即报告" in phone.get("/").text and "先打 110" in phone.get("/visits").text
    number = session.scalars(select(Visit.id)).one()
    session.commit()
    phone.form(f"/visits/{number}", reported="1")
    assert "现在要做" in phone.get("/").text and "还没有记下报告" not in phone.get("/").text


def test_keys_are_stored_and_labels_of_an_older_page_taken_too(phone, session):
    case = add(phone)
    labels = {"身体和有没有伤": "有伤，已报告", "上学": "有困难"}
    old = told(phone, case, "o" * 12, findings=labels, needs=["上学"], measures=["告诉学校"])
    new = {"findings": {"body": "injured", "school": "difficult"}, "needs": ["schooling"]}
    new = told(phone, case, "n" * 12, **new, measures=["told_school"])
    answer = phone.post("/visits/sync", {"visits": [old, new]}).json
    assert answer["refused"] == {}
    rows = session.scalars(select(Visit)).all()
    assert [(v.findings, v.needs, v.measures, v.alarm) for v in rows] == [
        ({"body": "injured", "school": "difficult"}, ["schooling"], ["told_school"], True)
    ] * 2
    # As a row of an earlier version stands there.
    rows[0].findings, rows[0].needs, rows[0].measures = labels, ["上学"], ["告诉学校"]
    session.commit()
    page = phone.get("/visits").text
    for text in ("身体和有没有伤：有伤，已报告；上学：有困难", "需要：上学", "做了：告诉学校"):
        assert page.count(text) == 2
    names = phone.get("/visits/data.json").json["labels"]
    assert names["answers"]["body.injured"] == "有伤，已报告"


def test_a_picture_of_the_form(phone, session):
    case = add(phone)
    phone.post("/visits/sync", {"visits": [told(phone, case)]})
    number = session.scalars(select(Visit.id)).one()
    session.commit()
    out = io.BytesIO()
    Image.new("RGB", (30, 40), "white").save(out, "JPEG")
    phone.form(f"/visits/{number}", file=(io.BytesIO(out.getvalue()), "王小明.jpg"))
    shown = phone.get("/visits").text
    assert "有签字表的照片" in shown
    # The name of the file, which may name a child, is not kept.
    from training_records.archive.models import Evidence

    assert "王小明" not in session.scalars(select(Evidence.name)).one()
    session.commit()
    told_ = phone.form(f"/visits/{number}", file=(io.BytesIO(b"%PDF-1.4"), "x.pdf"))
    assert told_.status_code == 422
    assert "JPG 或 PNG" in told_.text


def test_more_than_thirty_children_call_for_help(phone):
    for number in range(31):
        phone.form("/caseload", code=f"01-{number + 1:02d}", categories=["in-need"])
    assert "增配儿童主任" in phone.get("/caseload").text


def test_activities_and_tasks(world, phone, sign_in):
    phone.form(
        "/activities",
        title="防溺水宣讲",
        theme="drowning",
        on=today(phone),
        held="1",
        children="20",
        adults="5",
    )
    assert "孩子 20 人" in phone.get("/activities").text
    refused = phone.form("/activities", title="x", theme="drowning", on="x")
    assert refused.status_code == 422
    assert "日期看不懂，请写成" in refused.text
    assert 'value="x"' in refused.text
    office = sign_in(world.account("district", DISTRICT))
    due = (now() + timedelta(days=9)).date().isoformat()
    office.form("/office-tasks", title="报送优秀案例", due_on=due)
    assert "报送优秀案例" in phone.get("/").text
    page = phone.get("/tasks").text
    assert "上级布置" in page and "按月列出要走访的孩子" in page
    phone.get(phone.form("/tasks", task="office-1", period="once").location)
    assert "报送优秀案例" not in phone.get("/").text
    phone.get(phone.form("/tasks", task="office-1", period="once", undo="1").location)
    assert "报送优秀案例" in phone.get("/").text
    assert phone.form("/tasks", task="office-99", period="once").status_code == 404
    office.form("/office-tasks", withdraw="1")
    assert "报送优秀案例" not in phone.get("/").text
    other = sign_in(world.account("district", "370281000000"))
    assert other.form("/office-tasks", withdraw="1").status_code == 404


def test_a_town_sets_a_deadline_and_sees_who_has_met_it(world, phone, sign_in):
    town = sign_in(world.account("supervisor", TOWN))
    due = (now() + timedelta(days=9)).date().isoformat()
    town.form("/office-tasks", title="汛期前走一遍", due_on=due)
    assert "0 / 1 人" in town.get("/office-tasks").text
    picture = (io.BytesIO(b"%PDF-1.4 x"), "材料.pdf")
    phone.form("/tasks", task="office-1", period="once", file=picture)
    assert "1 / 1 人" in town.get("/office-tasks").text
    page = town.get("/office-tasks/1").text
    assert "还差 0 人" in page
    link = re.search(r"/archive/evidence/\w+|/evidence/\w+", page)[0]
    assert town.get(link).data == b"%PDF-1.4 x"
    other = sign_in(world.account("supervisor", "370281001000"))
    assert other.get("/office-tasks/1").status_code == 404
    assert other.get(link).status_code == 404
    assert "汛期前走一遍" in sign_in(world.account("district", DISTRICT)).get("/office-tasks").text


def test_a_case_is_ended_by_its_village_only(world, phone, sign_in, session):
    case = add(phone)
    other = sign_in(world.account("director", OTHER_VILLAGE))
    assert other.form(f"/caseload/{case}").status_code == 404
    phone.form(f"/caseload/{case}")
    assert phone.get("/visits/data.json").json["due"] == []
    assert session.scalars(select(CaseEntry.closed_on)).one() is not None
    session.commit()


def test_satisfaction_from_paper_to_figures(world, sign_in, app, session):
    from pypdf import PdfReader

    office = sign_in(world.account("district", DISTRICT))
    person = world.person(VILLAGE, name="王秀兰")
    closes = (now() + timedelta(days=20)).date().isoformat()
    office.form("/satisfaction", closes_on=closes)
    refused = office.form("/satisfaction/1/slips", division="370281001000")
    assert refused.status_code == 404
    paper = office.form("/satisfaction/1/slips", division="370283001000")
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(paper.data)).pages)
    tokens = re.findall(r"[A-Z2-9]{5}-[A-Z2-9]{5}", text)
    assert len(tokens) == 8 and "王秀兰" in text
    villager = app.test_client()
    for number, token in enumerate(tokens[:5]):
        assert (">不足 5 份<" in office.get("/satisfaction").text) == (number > 0)
        page = villager.get(f"/s/{token}")
        assert "王秀兰" in page.text
        csrf = re.search(r'name="csrf_token" value="([^"]+)"', page.text)[1]
        data = {"csrf_token": csrf, "visits": "5", "help": "4", "manner": "3"}
        assert "谢谢您" in villager.post(f"/s/{token}", data=data).text
        assert villager.get(f"/s/{token}").status_code == 404
    assert "4.00" in office.get("/satisfaction").text
    assert villager.get("/s/AAAAAAAAAA").status_code == 404
    assert person.phone not in text


def test_visits_are_checked_by_sample(world, sign_in, phone, session):
    case = add(phone)
    phone.post("/visits/sync", {"visits": [told(phone, case)]})
    supervisor = sign_in(world.account("supervisor", "370283001000"))
    day = today(phone)
    supervisor.form("/visit-checks", since=day, until=day, seed="5")
    assert "种子 5" in supervisor.get("/visit-checks").text
    number = session.scalars(select(Visit.id)).one()
    session.commit()
    refused = supervisor.form("/visit-checks", visit=str(number), deny="1", note="")
    assert refused.status_code == 422
    assert "要写明情况" in refused.text
    supervisor.form("/visit-checks", visit=str(number), confirm="1")
    assert "属实" in supervisor.get("/visit-checks").text
    foreign = sign_in(world.account("supervisor", "370281001000"))
    assert foreign.form("/visit-checks", visit=str(number), confirm="1").status_code == 404
