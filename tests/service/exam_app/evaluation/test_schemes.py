"""Schemes by page: laid down for a year, tried out, told apart from those above; what is wrong is said in words."""

from __future__ import annotations

import io
import re
from datetime import date
from html import unescape

import pytest
import yaml

from tests.factories import CITY, DISTRICT, OTHER_DISTRICT, VILLAGE, VILLAGE_2
from training_records.errors import Refused
from training_records.evaluation import scheme_store
from training_records.evaluation.scheme import load_scheme, read_scheme

YEAR, NEXT = 2026, 2027
# In November, when a year's records are told and the next year's scheme is laid down.
pytestmark = pytest.mark.time_machine("2026-11-24T10:00+08:00")


def fields(page):
    """The main form as a browser would send it."""
    form = next(f for f in re.findall(r"<form.*?</form>", page, re.S) if "visits-weight" in f)
    found = {}
    for tag in re.findall(r"<input [^>]*>|<select .*?</select>", form, re.S):
        name = re.search(r'name="([^"]+)"', tag)[1]
        if tag.startswith("<select"):
            chosen = re.search(r'value="([^"]*)" selected', tag) or re.search(
                r'value="([^"]*)"', tag
            )
            value = chosen[1]
        elif 'type="checkbox"' in tag:
            if "checked" not in tag:
                continue
            value = "on"
        else:
            value = re.search(r' value="([^"]*)"', tag)[1]
        found.setdefault(name, []).append(unescape(value))
    found.pop("csrf_token", None)
    return found


def test_the_form_gives_the_scheme_back_that_it_shows(office, session):
    url = f"/evaluation/schemes/{NEXT}"
    assert office.form(url, **fields(office.get(url).text)).status_code == 302
    saved = scheme_store.scheme_for(session, DISTRICT, NEXT)
    session.commit()
    shipped = load_scheme("2026")
    assert saved.id == f"370283-{NEXT}"
    assert saved.model_copy(update={"id": shipped.id}) == shipped
    file = office.get(f"/evaluation/schemes/{NEXT}.yaml").data.decode()
    assert read_scheme(file) == saved and yaml.safe_load(file)["dimensions"][0]["weight"] == 30


def test_what_is_wrong_is_said_in_words_and_kept(office, session):
    url = f"/evaluation/schemes/{NEXT}"
    told = fields(office.get(url).text)
    cases = [
        ({"visits-weight": "31"}, "日常走访：各项指标的分值合计 30，要等于权重 31"),
        ({"visits-weight": "x"}, "日常走访权重：要填数字"),
        ({"visits-0-points": ""}, "分值合计 5，要等于权重 30"),
        ({"visits-0-target": ""}, "日常走访第 1 项指标：要写目标值"),
        ({"visits-1-steps": "0.6 到 0.9"}, "写成 0.6:50% 0.9:100% 这样"),
        ({"visits-1-steps": "0.9:50% 0.6:100%"}, "界限要从小到大"),
        ({"grade": ["优秀"], "least": ["90"]}, "最后一档的 min 是 0"),
        ({"veto_grade": ["没有的档", ""]}, "不在 grades 里"),
    ]
    for change, words in cases:
        answer = office.form(url, **{**told, **change})
        assert answer.status_code == 422 and words in answer.text, (change, answer.text[:3000])
        assert "没有保存" in answer.text
    # What was typed is still there.
    assert 'value="31"' in office.form(url, **{**told, "visits-weight": "31"}).text
    assert scheme_store.stored_scheme(session, DISTRICT, NEXT) is None
    session.commit()


def test_one_more_indicator_and_another_weight(office, session):
    url = f"/evaluation/schemes/{NEXT}"
    told = fields(office.get(url).text)
    told |= {"activities-1-points": "3", "activities-2-measure": "visits_logged"}
    told |= {"activities-2-points": "2", "activities-2-scoring": "steps"}
    told |= {"activities-2-steps": "10:50% 20:100%"}
    assert office.form(url, **told).status_code == 302
    saved = scheme_store.scheme_for(session, DISTRICT, NEXT)
    session.commit()
    added = saved.dimensions[2].indicators[2]
    assert (added.measure, added.title, added.points) == ("visits_logged", "走访次数", 2)
    assert [tuple(map(str, s)) for s in added.steps] == [("10", "0.5"), ("20", "1")]


def test_a_district_goes_by_its_own_else_by_the_citys(world, sign_in, office, session):
    city = sign_in(world.account("city", CITY))
    url = f"/evaluation/schemes/{NEXT}"
    city.form(url, **{**fields(city.get(url).text), "title": "全市方案"})
    assert "现在用青岛市定的" in office.get(url).text
    told = fields(office.get(url).text)
    office.form(url, **{**told, "title": "平度方案"})
    for code, title in ((DISTRICT, "平度方案"), (OTHER_DISTRICT, "全市方案"), (CITY, "全市方案")):
        assert scheme_store.scheme_for(session, code, NEXT).title == title
    session.commit()
    office.form(url, drop="1")
    assert scheme_store.scheme_for(session, DISTRICT, NEXT).title == "全市方案"
    session.commit()
    assert "没有自己定的方案" in office.form(url, drop="1").text


def test_a_scheme_holds_once_its_year_is_evaluated(world, office, session):
    world.person(VILLAGE)
    url = f"/evaluation/schemes/{YEAR}"
    told = fields(office.get(url).text)
    office.form(url, **{**told, "title": "今年的"})
    office.form("/evaluation", year=str(YEAR))
    assert "按方案“今年的”" in office.get("/evaluation/1").text
    answer = office.form(url, **{**told, "title": "改"})
    assert answer.status_code == 422 and "方案不能再改" in answer.text
    with pytest.raises(Refused, match="或市定"):
        scheme_store.save_scheme(session, VILLAGE, NEXT, scheme=load_scheme("2026"), by="t")
    session.rollback()


def test_by_file(office, session):
    url = f"/evaluation/schemes/{NEXT}"
    told = yaml.safe_load(office.get(f"{url}.yaml").data.decode())

    def upload(data):
        return office.form(url, file=(io.BytesIO(data), "方案.yaml"))

    assert upload(yaml.safe_dump({**told, "title": "文件"}).encode()).status_code == 302
    assert scheme_store.scheme_for(session, DISTRICT, NEXT).title == "文件"
    session.commit()
    told["dimensions"][0]["indicators"][0]["measure"] = "number_of_children"
    for data, words in (
        (b"\xff\xfe\x00", "UTF-8"),
        (b"a: [", "不是 YAML"),
        (yaml.safe_dump(told).encode(), "不是系统能算的指标"),
    ):
        answer = upload(data)
        assert answer.status_code == 422 and words in answer.text


def test_trying_out_before_the_year_begins(world, sign_in, office):
    one = world.person(VILLAGE, name="王秀兰", start=date(YEAR - 1, 1, 1))
    world.person(VILLAGE_2, start=date(YEAR - 1, 1, 1))
    world.entry(one, "training", date(YEAR, 1, 10), hours=8)
    url = f"/evaluation/schemes/{NEXT}"
    told = fields(office.get(url).text)
    # Nothing but the hours counts: who has them is excellent.
    for key in ("visits", "activities", "policy", "satisfaction"):
        told[f"{key}-weight"] = ""
    told |= {"training-weight": "100", "training-0-points": "100"}
    told |= {"training-1-points": "", "training-2-points": ""}
    assert office.form(url, **told).status_code == 302
    page = office.get(f"{url}/try").text
    assert "王秀兰" in page and "→ 优秀" in page
    assert "要等于 100" in office.get(f"{url}/try?training=90").text
    assert "权重要填数字" in office.get(f"{url}/try?training=x").text
    assert "不能大于 100" in office.get(f"{url}/try?training=1e999999").text
    city = sign_in(world.account("city", CITY))
    assert "平度市" in city.get(f"{url}/try?division={DISTRICT}").text
    assert city.get("/evaluation/schemes/1999").status_code == 404
    assert sign_in(world.account("director")).get(url).status_code == 403
