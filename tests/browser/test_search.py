"""The knowledge base's own search, in Chinese, as a director would use it."""

from __future__ import annotations

import pytest

from tests.browser.conftest import OFFICE

# What the database is doesn't show on a page: one engine is enough here.
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("academy", ["sqlite"], indirect=True)]


@pytest.mark.parametrize(
    ("phrase", "place"),
    [
        ("委托照护", "services/entrusted-care"),
        ("走访频次", "services/visits"),
        ("入职查询", "duties/team"),
        ("强制报告", "services/reporting"),
        ("三十人", "duties/team"),
    ],
)
def test_the_right_page_is_at_the_top(academy, open_page, phrase, place):
    page = open_page(OFFICE)
    page.goto(f"{academy.url}/kb/")
    page.wait_for_load_state("networkidle")
    page.locator("input[name=query]").click()
    page.keyboard.insert_text(phrase)
    # The page searches on keyup, which an input method sends after its text.
    page.keyboard.press("End")
    first = page.locator(".md-search-result__link").first
    first.wait_for(state="attached")
    assert f"/kb/{place}/" in first.get_attribute("href")
