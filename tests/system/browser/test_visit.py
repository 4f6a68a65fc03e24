"""A visit on a phone: under a minute and in at most eight taps, without a network, then there."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Error, expect

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


def test_what_the_server_refuses_stays_until_it_is_mended_or_deleted(academy, phone):
    phone.goto(f"{academy.url}/visits/log")
    expect(phone.locator("#due li")).not_to_have_count(0)
    code = phone.locator("#due strong").last.inner_text()
    today = None
    for _ in range(2):
        phone.locator("#due button").last.click()
        today = phone.locator("#on").input_value()
        phone.locator("#on").fill("2020-01-01")
        phone.get_by_role("button", name="保存", exact=True).click()
        expect(phone.locator("#list")).to_be_visible()
    expect(phone.locator("#saved")).to_have_text("有 2 条没有存上")
    assert_accessible(phone)
    phone.reload()
    refused = phone.locator("#refused .note")
    expect(refused).to_have_count(2)
    expect(refused.first).to_contain_text(f"{code} 没有存上：2020-01-01 这天您没有任职")
    refused.first.get_by_role("button", name="改一改再存").click()
    expect(phone.locator("#on")).to_have_value("2020-01-01")
    phone.locator("#on").fill(today)
    phone.get_by_role("button", name="保存", exact=True).click()
    expect(refused).to_have_count(1)
    refused.get_by_role("button", name="删掉").click()
    refused.get_by_role("button", name="再点一次就删掉").click()
    expect(refused).to_have_count(0)
    expect(phone.locator("#saved")).to_have_text("✓ 已保存")


def test_a_shared_phone_shows_nobody_another_s_page(academy, phone):
    phone.goto(f"{academy.url}/visits/log")
    expect(phone.locator("#due li")).not_to_have_count(0)
    phone.wait_for_function("() => navigator.serviceWorker.ready.then(() => true)")
    kept = "async () => Boolean(await caches.match('/visits/log', { ignoreVary: true }))"
    for _ in range(50):
        if phone.evaluate(kept):
            break
        phone.wait_for_timeout(100)
    assert phone.evaluate(kept)
    phone.goto(f"{academy.url}/")
    phone.evaluate("() => document.querySelector('form[action=\"/logout\"]').requestSubmit()")
    phone.wait_for_url("**/login*")
    assert not phone.evaluate(kept)
    phone.context.set_offline(True)
    with pytest.raises(Error):
        phone.goto(f"{academy.url}/visits/log")


def test_pages_of_the_daily_work(academy, phone):
    for path in ("/caseload", "/visits", "/activities", "/tasks"):
        phone.goto(academy.url + path)
        assert_accessible(phone)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390
