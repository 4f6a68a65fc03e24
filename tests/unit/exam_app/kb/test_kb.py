from __future__ import annotations

import copy
import datetime
import re

import pytest
from docx import Document
from icalendar import Calendar
from pydantic import ValidationError

from exam_app.kb import history
from exam_app.kb.files import write_calendar, write_forms
from exam_app.kb.links import link_terms
from exam_app.kb.pages import BuildError, anchors, kb_url, link_sources, page_html, render_pages
from exam_app.kb.readability import offenders, sentences
from exam_app.kb.site import check_facts
from tests.factories import today
from training_records.facts.loading import DATA, load_facts, required_points
from training_records.facts.schema import ROLES, shaped

MARKED = "待核"


def test_all_tasks_stand_with_departments_and_anchor():
    policy = load_facts().data["policy"]
    assert [t["item"] for t in policy["tasks"]] == list(range(1, 24))
    for task in policy["tasks"]:
        assert task["departments"] and task["director"] in ROLES
        assert f"policy/action-{task['action']}#task-{task['item']}" in anchors()


def test_somebody_answers_for_every_file_of_facts(tmp_path):
    facts = load_facts()
    assert set(facts.owners) == set(facts.data) | {"owners"}
    for path in DATA.glob("*.yaml"):
        text = path.read_text("utf-8")
        if path.name == "owners.yaml":
            text = re.sub(r"^visits:.*\n", "", text, flags=re.M)
        (tmp_path / path.name).write_text(text, "utf-8")
    with pytest.raises(ValueError, match=r"owners\.yaml.*visits"):
        load_facts(tmp_path)


def test_every_source_leads_to_an_anchor():
    assert [c for c, target in load_facts().clauses.items() if target not in anchors()] == []


def test_cadence_is_what_the_policy_says():
    months = {v["who"]: v["months"] for v in load_facts().data["visits"]}
    assert months["社会散居孤儿"] == months["事实无人抚养儿童"] == 1
    assert months["农村留守儿童"] == 3


def test_nothing_marked_unverified_is_published():
    assert [name for name, text in render_pages().items() if MARKED in text] == []


def test_an_unknown_source_stops_the_build():
    with pytest.raises(BuildError, match="青21#99"):
        link_sources("某事。〔青21#99〕", "index")


def test_course_pages_render_clean():
    courses = load_facts().courses
    assert {c.id: c.hours for c in courses}["induction"] == 8
    for course in courses:
        for unit in course.units:
            for page in unit.pages:
                html = page_html(page)
                assert "<h1" in html and "<script" not in html
                assert not re.search(r'href="[^"]*\.md', html)


def test_urls():
    assert kb_url("services/visits#monthly") == "/kb/services/visits/#monthly"
    assert kb_url("policy/index#in-need") == "/kb/policy/#in-need"
    assert kb_url("index") == "/kb/"


def test_the_facts_hold_what_the_list_of_contents_promises():
    data = load_facts().data
    assert {c["id"] for c in data["services"]} == {
        "left-behind", "orphan", "unattended", "disabled", "seriously-ill", "poor",
        "at-risk", "single-parent", "wandering", "out-of-school",
    }  # fmt: skip
    assert sum(len(group["items"]) for group in data["faq"]) == 60
    assert len(data["cases"]) == 10 and len(data["cards"]) == 6 and len(data["forms"]) == 4
    steps = [s for d in data["duties"]["director"] for s in d["steps"]]
    assert {s["rhythm"] for s in steps} >= {"daily", "weekly", "monthly", "quarterly"}
    assert {p.kind for p in required_points().values()} == {"条款", "职责步骤", "服务内容"}


def test_a_lost_comma_or_a_misspelt_field_is_refused():
    term = {"term": "学时", "means": "1 学时是 45 分钟", "source": "课程#学时"}
    assert shaped("glossary", [term]) == [term]
    with pytest.raises(ValidationError):
        shaped("glossary", [{**term, "急事当天": None}])


def test_every_source_page_form_and_point_named_in_the_facts_exists():
    data, places, clauses = load_facts().data, anchors(), load_facts().clauses
    forms = {f["id"] for f in data["forms"]}
    for card in data["cards"]:
        assert card["page"] in places and card["form"] in forms
        assert {s["source"] for s in card["steps"]} <= set(clauses)
    for group in data["faq"]:
        assert {i["page"] for i in group["items"]} <= places
    assert {s["page"] for s in data["cases"]} <= places
    assert {p.kb for p in required_points().values()} <= places


def test_step_cards_are_short_and_every_section_says_where_it_is_from():
    assert [str(o) for o in offenders() if o.strict] == []


def test_a_long_sentence_is_found():
    assert sentences("---\ntitle: x\n---\n先做这个。〔青21#10〕再做那个；[好](a.md)。") == [
        "先做这个",
        "再做那个",
        "好",
    ]


def test_what_changed_is_recorded():
    check_facts()
    data = copy.deepcopy(load_facts().data)
    assert history.unrecorded(data) == {}
    data["policy"]["tasks"][9]["gist"] += "改了。"
    removed = data["sources"][1]["articles"].pop()
    changed = history.unrecorded(data)
    assert set(changed) == {"青21#10", f"未保法#{removed['id']}"}
    assert changed[f"未保法#{removed['id']}"] is None
    data["history"].append({"date": datetime.date(2027, 1, 2), "note": "x", "records": changed})
    assert history.unrecorded(data) == {}
    assert history.last_changes(data)["青21#10"] == datetime.date(2027, 1, 2)


def test_terms_are_linked_once_and_not_inside_links():
    terms = [{"term": "学时", "means": "45 分钟"}]
    text = link_terms("[学时](a.md)和学时，学时", "duties/team", terms)
    assert text.startswith("[学时](a.md)和[学时](../glossary.md#t-学时")
    assert text.count("glossary.md") == 1


def test_pages_say_source_date_and_who_is_responsible():
    for name, text in render_pages().items():
        assert re.search(r"出处：.+；核对日期：\d{4}年\d+月\d+日；负责：", text), name


def test_a_clause_leads_to_its_pages_and_questions():
    page = render_pages()["policy/action-3"]
    assert "用在：" in page and "(../services/visits.md)" in page
    assert re.search(r"\[练 \d+ 题\]\(/practice\?point=青21%2310\)", page)


def test_forms_are_word_files_with_every_field(tmp_path):
    forms = load_facts().on(today())["forms"]
    assert all(form["checks"] for form in forms)
    write_forms(forms, tmp_path)
    for form in forms:
        document = Document(str(tmp_path / f"{form['id']}.docx"))
        text = "".join(c.text for t in document.tables for row in t.rows for c in row.cells)
        fields = [name for pair in form["fields"] for name in pair]
        for wanted in [*fields, *form["checks"], *form["texts"]]:
            assert wanted in text
        assert ("内代号" in text) == (form["id"] != "activity")
        assert document.core_properties.author == ""


def test_the_calendar_file_repeats_and_reminds(tmp_path):
    write_calendar(load_facts().data["calendar"], tmp_path / "c.ics")
    events = list(Calendar.from_ical((tmp_path / "c.ics").read_bytes()).walk("VEVENT"))
    october = next(e for e in events if str(e["uid"]).startswith("october-report"))
    assert (october["dtstart"].dt.month, october["dtstart"].dt.day) == (10, 30)
    assert october["rrule"]["FREQ"] == ["YEARLY"]
    assert october.walk("VALARM")[0]["trigger"].dt == datetime.timedelta(days=-7)
    assert len({str(e["uid"]) for e in events}) == len(events) >= 10
