from __future__ import annotations

import re

import pytest

from exam_app.kb.facts import load_facts
from exam_app.kb.pages import BuildError, anchors, kb_url, link_sources, page_html, render_pages

MARKED = "待核"


def test_all_tasks_stand_with_departments_and_anchor():
    policy = load_facts().data["policy"]
    assert [t["item"] for t in policy["tasks"]] == list(range(1, 24))
    for task in policy["tasks"]:
        assert task["departments"] and task["director"] in ("直接做", "协助", "知晓")
        assert f"policy/action-{task['action']}#task-{task['item']}" in anchors()


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
    for course in load_facts().courses:
        assert sum(u.minutes for u in course.units) == 8 * 45
        for unit in course.units:
            for page in unit.pages:
                html = page_html(page)
                assert "<h1" in html and "<script" not in html
                assert not re.search(r'href="[^"]*\.md', html)


def test_urls():
    assert kb_url("services/visits#monthly") == "/kb/services/visits/#monthly"
    assert kb_url("policy/index#in-need") == "/kb/policy/#in-need"
    assert kb_url("index") == "/kb/"
