"""Every page passes axe at both sizes, and nothing on it is too small for a thumb."""

from __future__ import annotations

import pytest

from tests.factories import today
from tests.system.browser.conftest import OFFICE, PHONE, assert_accessible, sign_in

# What the database is doesn't show on a page: one engine is enough here.
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("academy", ["sqlite"], indirect=True)]
NEXT = today().year + 1
PAGES = {
    "": [
        "/login",
        "/verify",
        "/verify/QD2026-AAAA-AAAA-AAAA",
        "/kb/",
        "/kb/services/visits/",
        "/kb/duties/director/",
        "/kb/policy/action-3/",
        "/kb/evaluation/scoring/",
        "/kb/cases/published/",
    ],
    "director": [
        "/",
        "/learn",
        "/learn/induction/reporting",
        "/learn/log",
        "/practice",
        "/practice?all=1",
        "/practice/daily",
        "/practice/wrong",
        "/exams",
        "/exams/1",
        "/archive",
        "/password",
        "/no-such-page",
        "/evaluation",
        "/cases",
        "/cases/new",
        "/exemplars",
        "/tasks",
        "/account",
    ],
    "supervisor": [
        "/",
        "/coverage",
        "/ledger",
        "/archive",
        "/learn",
        "/evaluation",
        "/evaluation/dashboard",
        "/office-tasks",
    ],
    "district": [
        "/",
        "/coverage",
        "/coverage?status=uncovered",
        "/ledger",
        "/ledger?due=1",
        "/ledger/import",
        "/exams/manage",
        "/courses",
        "/admin?q=王",
        "/evaluation",
        "/evaluation/dashboard",
        f"/evaluation/schemes/{NEXT}",
        f"/evaluation/schemes/{NEXT}/try",
        "/reports",
        "/cases",
        "/exemplars",
        "/exemplars/nominate/1",
        "/office-tasks",
        "/ledger/people/1",
        "/account",
        "/account/second-step",
        "/admin/log",
    ],
    "city": ["/", "/coverage", "/bank", "/reports", "/exemplars", "/evaluation"],
    "operator": ["/admin"],
}
SMALL = """(least) => [...document.querySelectorAll('main button, main a.go, .bottom a, .top button, input:not([type=hidden]), select, label.option')]
  .filter(e => e.offsetParent && !e.closest('label.tick, label.option:not(:scope), .md-header, .md-search'))
  .filter(e => (e.closest('label') || e).getBoundingClientRect().height < least)
  .map(e => e.outerHTML.slice(0, 120))"""
TINY = """() => [...document.querySelectorAll('body *')]
  .filter(e => e.offsetParent && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
  .filter(e => parseFloat(getComputedStyle(e).fontSize) < 18)
  .map(e => e.outerHTML.slice(0, 120))"""
BODY = "() => parseFloat(getComputedStyle(document.body).fontSize)"
WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("size", [PHONE, OFFICE], ids=["phone", "office"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("role", PAGES)
def test_pages(academy, open_page, role, size, scheme):
    # At a desk: a mouse, more on a page.
    text, target = (15, 36) if size == OFFICE and role not in ("", "director") else (18, 48)
    page = open_page(size, color_scheme=scheme)
    if role:
        account = academy.accounts[role]
        sign_in(page, academy.url, account["phone"], account["password"])
    for path in PAGES[role]:
        page.goto(academy.url + path)
        assert_accessible(page)
        assert page.evaluate(WIDE) <= 0, path
        if not path.startswith("/kb"):
            assert page.evaluate(SMALL, target) == [], path
            assert float(page.evaluate(BODY)) >= text


def test_exam_and_result_pages(academy, open_page):
    account = academy.accounts["director"]
    page = open_page()
    sign_in(page, academy.url, account["phone"], account["password"])
    page.goto(f"{academy.url}/exams/1")
    page.get_by_label("我本人独立作答").check()
    page.get_by_role("button", name="开始考试").click()
    page.locator("#place", has_text="1/").wait_for()
    kinds = set()
    while page.get_by_role("button", name="下一题").count():
        kind = page.locator("#kind").inner_text().partition(" ")[0]
        kind += "（案例）" if page.locator("#case").is_visible() else ""
        if kind not in kinds:
            kinds.add(kind)
            assert_accessible(page)
        page.get_by_role("button", name="下一题").click()
    assert {"单选题", "多选题", "判断题", "填空题", "排序题", "配对题"} < kinds
    page.get_by_role("button", name="答题卡", exact=True).click()
    assert_accessible(page)
    for _ in range(2):
        page.locator("#submit").click()
    page.wait_for_url("**/result")
    assert_accessible(page)
    page.goto(f"{academy.url}/practice?all=1")
    page.get_by_role("button", name="看答案").click()
    assert_accessible(page)


def test_all_sizes_hang_on_one_value(academy, open_page):
    page = open_page()
    page.goto(f"{academy.url}/login")
    heading = "() => parseFloat(getComputedStyle(document.querySelector('h2, h1')).fontSize)"
    button = "() => parseFloat(getComputedStyle(document.querySelector('main button')).fontSize)"
    for size in (18, 20, 22, 26):
        page.evaluate("(size) => { document.documentElement.dataset.size = size; }", size)
        assert page.evaluate(BODY) == page.evaluate(button) == size
        assert page.evaluate(heading) == pytest.approx(min(1.78 * size, 0.095 * 390), abs=0.1)
        assert page.evaluate(WIDE) <= 0


def test_a_theme_can_be_chosen(academy, open_page):
    ground = "() => getComputedStyle(document.body).backgroundColor"
    seen = {}
    for device in ("light", "dark"):
        page = open_page(color_scheme=device)
        page.goto(f"{academy.url}/login")
        for theme in ("", "light", "dark"):
            page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
            seen[device, theme] = page.evaluate(ground)
    light, dark = seen["light", ""], seen["dark", ""]
    assert light != dark
    assert {seen[device, "light"] for device in ("light", "dark")} == {light}
    assert {seen[device, "dark"] for device in ("light", "dark")} == {dark}


def test_large_text_is_remembered(academy, open_page):
    page = open_page()
    page.goto(f"{academy.url}/login")
    page.get_by_role("button", name="大字").click()
    page.reload()
    assert page.evaluate("() => getComputedStyle(document.body).fontSize") == "22px"
    page.get_by_role("button", name="标准字").click()
    assert page.evaluate("() => getComputedStyle(document.body).fontSize") == "18px"


@pytest.mark.parametrize("size", [PHONE, OFFICE], ids=["phone", "office"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_styleguide_is_accessible_at_each_size(academy, open_page, theme, size):
    page = open_page(size)
    for letters in (18, 20, 22, 26):
        page.goto(f"{academy.url}/styleguide?theme={theme}&size={letters}")
        assert_accessible(page)
        assert page.evaluate(WIDE) <= 0, letters
        assert page.evaluate(SMALL, 48) == [], letters
        assert page.evaluate(BODY) == letters
    page.goto(f"{academy.url}/styleguide?theme={theme}&desk=1")
    assert_accessible(page)
    assert page.evaluate(BODY) == (15 if size == OFFICE else 18)
