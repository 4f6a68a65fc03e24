"""A visit on a phone: under a minute and in at most eight taps, without a network, then there."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

from tests.system.browser.conftest import assert_accessible, sign_in

pytestmark = pytest.mark.browser


@pytest.fixture
def phone(academy, open_page):
    page, account = open_page(), academy.accounts["director"]
    sign_in(page, academy.url, account["phone"], account["password"])
    return page


class Taps:
    """Counts taps from the first page on."""

    def __init__(self, page):
        self.page, self.count, self.start = page, 0, time.monotonic()

    def __call__(self, locator):
        self.count += 1
        locator.click()


def test_a_visit_in_under_a_minute_offline_and_then_there(academy, phone):
    phone.goto(f"{academy.url}/visits/log")
    expect(phone.locator("#due li")).not_to_have_count(0)
    phone.wait_for_function("() => navigator.serviceWorker.ready.then(() => true)")
    phone.wait_for_timeout(500)
    assert_accessible(phone)

    # All is well: from the first page to 'saved'.
    phone.goto(f"{academy.url}/")
    tap = Taps(phone)
    tap(phone.get_by_text("接下来还有"))
    tap(phone.get_by_role("link", name="走访 ", exact=False).first)
    code = phone.locator("#due strong").first.inner_text()
    tap(phone.locator("#due button").first)
    expect(phone.get_by_role("heading", name=f"走访 {code}")).to_be_visible()
    tap(phone.get_by_role("button", name="保存", exact=True))
    expect(phone.locator("#saved")).to_have_text("✓ 已保存")
    expect(phone.locator("#due li", has_text=code)).to_contain_text("✓ 已走")
    assert tap.count <= 8 and time.monotonic() - tap.start < 60

    # Without a network, with something found, a measure and the next date.
    phone.context.set_offline(True)
    tap = Taps(phone)
    second = phone.locator("#due li").filter(has=phone.locator(".mark.wait, .mark.bad")).first
    code = second.locator("strong").inner_text()
    tap(second.locator("button"))
    tap(phone.get_by_text("学校随访"))
    phone.locator('#checks select[name="school"]').select_option(index=1)
    tap.count += 2
    tap(phone.get_by_text("需要和措施（可不填）"))
    tap(phone.get_by_label("告诉学校"))
    tap(phone.get_by_role("button", name="保存", exact=True))
    expect(phone.locator("#saved")).to_have_text("离线，已记下 1 条")
    assert tap.count <= 8 and time.monotonic() - tap.start < 60
    phone.reload()
    expect(phone.locator("#saved")).to_have_text("离线，已记下 1 条")
    expect(phone.locator("#due li", has_text=code)).to_contain_text("✓ 刚记下")
    phone.context.set_offline(False)
    expect(phone.locator("#saved")).to_have_text("✓ 已保存")
    phone.goto(f"{academy.url}/visits")
    expect(phone.locator("section", has_text=code).first).to_contain_text("告诉学校")
    assert_accessible(phone)


def test_what_must_be_reported_is_one_tap_away(academy, phone):
    phone.goto(f"{academy.url}/visits/log")
    assert phone.get_by_role("link", name="孩子有危险").get_attribute("href") == "/kb/cards/abuse/"
    phone.locator("#due button").last.click()
    expect(phone.locator("#alarm")).to_be_hidden()
    phone.get_by_label("身体和有没有伤").select_option(index=2)
    expect(phone.locator("#alarm")).to_be_visible()
    assert phone.get_by_role("link", name="拨打 110").get_attribute("href") == "tel:110"
    assert_accessible(phone)
    phone.get_by_role("button", name="保存", exact=True).click()
    expect(phone.locator("#saved")).to_have_text("✓ 已保存")
    phone.goto(f"{academy.url}/")
    expect(phone.get_by_role("heading", name="立即报告")).to_be_visible()
    phone.get_by_role("link", name="记下已经报告").click()
    phone.get_by_role("button", name="已经向公安机关报告").click()
    expect(phone.get_by_text("记下了：已向公安机关报告")).to_be_visible()


def test_pages_of_the_daily_work(academy, phone):
    for path in ("/caseload", "/visits", "/activities", "/tasks"):
        phone.goto(academy.url + path)
        assert_accessible(phone)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390
