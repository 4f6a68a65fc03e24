"""The knowledge base in a real browser: small, readable at a glance, there without a network."""

from __future__ import annotations

import re
import unicodedata
from io import BytesIO

import pytest
from playwright.sync_api import expect
from pypdf import PdfReader

from exam_app.kb.pages import render_pages
from exam_app.kb.site import build_folder
from tests.system.browser.conftest import OFFICE, PHONE, assert_accessible
from training_records.facts.loading import load_facts

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("academy", ["sqlite"], indirect=True)]
LIMIT = 150_000


def test_every_page_weighs_little(academy, site, open_page):
    """Pictures apart: all that opening a page asks for, the search index included."""
    page = open_page(PHONE, service_workers="block")
    asked = set()
    page.on("response", lambda r: asked.add(r.url.partition("/kb/")[2]) if r.ok else None)
    page.goto(f"{academy.url}/kb/")
    page.wait_for_load_state("networkidle")
    shared = {name for name in asked if name and not name.endswith((".png", ".svg", ".ico"))}
    assert "search/search_index.json" in shared and len(shared) > 8
    weight = sum((site / f"{name}.gz").stat().st_size for name in shared)
    pages = [path.with_name("index.html.gz").stat().st_size for path in site.rglob("index.html")]
    assert weight + max(pages) <= LIMIT
    answer = page.request.get(f"{academy.url}/kb/faq/", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize("card", [c["id"] for c in load_facts().data["cards"]])
def test_a_step_card_fits_one_phone_screen(academy, open_page, card):
    page = open_page(PHONE)
    page.goto(f"{academy.url}/kb/cards/{card}/")
    flow = page.locator("ol.flow")
    expect(flow.locator("li")).to_have_count(6)
    header = page.locator(".md-header").bounding_box()["height"]
    assert flow.bounding_box()["height"] <= PHONE["height"] - header


def test_after_one_visit_all_pages_and_the_search_work_without_a_network(academy, open_page):
    page = open_page(PHONE)
    page.goto(f"{academy.url}/kb/")
    expect(page.locator("[data-kept]")).to_have_text(
        "✓ 已存到这部手机，没有网也能看", timeout=60_000
    )
    page.context.set_offline(True)
    for name in ("cards/abuse", "services/visits", "faq"):
        page.goto(f"{academy.url}/kb/{name}/")
        expect(page.locator("h1")).to_be_visible()
    page.locator("label[for=__search].md-header__button").click()
    page.locator("input[name=query]").click()
    page.keyboard.insert_text("强制报告")
    page.keyboard.press("End")
    page.locator(".md-search-result__item").first.wait_for(state="attached")


def test_the_folder_opens_from_a_stick_and_searches(academy, open_page, tmp_path):
    build_folder(tmp_path / "kb")
    page = open_page(OFFICE)
    asked = []
    page.on("request", lambda r: asked.append(r.url))
    page.goto((tmp_path / "kb" / "index.html").as_uri())
    page.get_by_role("link", name="我的第一周").first.click()
    expect(page.get_by_role("heading", name="我的第一周")).to_be_visible()
    page.locator("input[name=query]").click()
    page.keyboard.insert_text("强制报告")
    page.keyboard.press("End")
    result = page.locator(".md-search-result__item").first
    result.wait_for(state="attached")
    assert "services/reporting.html" in result.locator("a").first.get_attribute("href")
    assert page.locator(".practise:visible").count() == 0
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


def test_words_open_a_pop_up(academy, open_page):
    page = open_page(PHONE)
    page.goto(f"{academy.url}/kb/")
    page.locator("a.term").first.click()
    box = page.locator(".term-box")
    expect(box).to_contain_text("镇（街）负责管理和指导儿童主任的人")
    box.get_by_role("link", name="看名词解释").click()
    expect(page).to_have_url(re.compile(r"/kb/glossary/#t-"))


def test_the_policy_is_filtered_by_role_and_department(academy, open_page):
    page = open_page(PHONE)
    page.goto(f"{academy.url}/kb/policy/read/")
    tasks = page.locator("section.task:visible")
    expect(tasks).to_have_count(23)
    page.get_by_label("和儿童主任的关系").select_option("直接做")
    expect(tasks).to_have_count(7)
    page.get_by_label("责任单位").select_option("市应急管理局")
    expect(tasks).to_have_count(2)
    expect(page.locator("output")).to_contain_text("2 项")
    assert_accessible(page)


def test_a_checklist_prints_on_one_a4_page(academy, open_page):
    page = open_page(OFFICE)
    for name in ("daily", "weekly", "monthly", "quarterly", "yearly"):
        page.goto(f"{academy.url}/kb/checklists/{name}/")
        printed = PdfReader(BytesIO(page.pdf(prefer_css_page_size=True))).pages
        # Fonts map some characters to compatibility forms; NFKC brings them back.
        text = unicodedata.normalize("NFKC", printed[0].extract_text())
        assert len(printed) == 1 and "儿童主任签名" in text and "首页" not in text
        assert round(float(printed[0].mediabox.width)) == 595


@pytest.mark.parametrize("size", [PHONE, OFFICE], ids=["phone", "office"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_of_each_kind_are_accessible(academy, open_page, size, scheme):
    page = open_page(size, color_scheme=scheme)
    kinds = ("cards/alone", "cases/case-1", "checklists/monthly", "forms/index", "guides/talk")
    for name in (*kinds, "faq", "changes", "duties/director", "calendar", "social-work/methods"):
        assert name in render_pages()
        page.goto(f"{academy.url}/kb/{name.removesuffix('/index')}/")
        assert_accessible(page)
