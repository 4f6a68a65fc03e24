"""The exam on bad networks and two phones."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.system.browser.conftest import PHONE, sign_in
from tests.system.browser.steps import answer, count_of

pytestmark = pytest.mark.browser


@pytest.fixture
def director(academy):
    return academy.accounts["director"]


@pytest.fixture
def taking(academy, open_page, director):
    """Opens the running exam of the demonstration's director on a new phone. What a service worker lets
    through can't be watched or held up here, so that there is none unless it is asked for."""

    def open_(service_workers="block", **more):
        page = open_page(PHONE, service_workers=service_workers, **more)
        sign_in(page, academy.url, director["phone"], director["password"])
        page.goto(f"{academy.url}/exams")
        page.locator(".card-box", has_text="初任儿童主任考核").locator("a.go").first.click()
        if page.locator("input[name=honest]").count():
            page.locator("input[name=honest]").check()
            page.get_by_role("button", name="开始考试").click()
        expect(page.locator("#stem")).to_be_visible()
        return page

    return open_


def go_to(page, number):
    if page.locator("#card").is_visible():
        page.locator("#card").click()
    page.locator("#map button").nth(number - 1).click()
    expect(page.locator("#place")).to_have_text(re.compile(f"第 {number}/"))


def saved(page):
    expect(page.locator("#saved")).to_have_text("✓ 已保存")


def test_offline_for_the_last_ten_then_killed_then_on_another_phone(academy, taking):
    """Answers given offline are on the phone; a killed tab brings them to the server when it is opened
    again; a second phone takes over and has them all."""
    page = taking()
    total = count_of(page) if page.locator("#place").inner_text().startswith("第 1/") else 0
    total = total or int(page.locator("#place").inner_text().split("/")[1].removesuffix(" 题"))
    go_to(page, 1)
    answer(page)
    saved(page)
    page.context.set_offline(True)
    for number in range(total - 9, total + 1):
        go_to(page, number)
        answer(page)
    expect(page.locator("#saved")).to_have_text(re.compile("离线"))
    # The tab dies with the network away, and comes back when there is one.
    url = page.url
    page.close()
    page.context.set_offline(False)
    again = page.context.new_page()
    again.goto(url)
    saved(again)
    second = taking()
    second.locator("#card").click()
    assert second.locator("#map .answered").count() >= 11
    # The first phone is told, and takes the exam back with one tap.
    go_to(again, 2)
    answer(again)
    expect(again.locator("#taken-title")).to_be_visible()
    again.locator("#take-back").click()
    expect(again.locator("#stem")).to_be_visible()
    saved(again)
    go_to(second, 3)
    answer(second)
    expect(second.locator("#taken-title")).to_be_visible()


def test_a_killed_tab_opens_without_a_network_and_goes_on(academy, taking):
    page = taking(service_workers="allow")
    go_to(page, 3)
    answer(page)
    saved(page)
    page.wait_for_function(
        "async () => Boolean(await caches.match(location.pathname, { ignoreVary: true }))"
    )
    page.wait_for_function("() => navigator.serviceWorker.ready.then(() => true)")
    url, context = page.url.split("#")[0], page.context
    page.close()
    context.set_offline(True)
    again = context.new_page()
    again.goto(url)
    expect(again.locator("#stem")).to_be_visible()
    expect(again.locator("#clock")).to_have_text(re.compile(r"\d+:\d\d"))
    again.locator("#card").click()
    before = again.locator("#map .answered").count()
    assert before >= 1
    go_to(again, 4)
    answer(again)
    expect(again.locator("#saved")).to_have_text(re.compile("离线"))
    context.set_offline(False)
    saved(again)


def test_a_page_that_is_left_sends_what_it_has_and_is_counted(academy, taking, open_page):
    page = taking()
    # One that no other test answers: the same choice again would change nothing.
    go_to(page, 8)
    # Nothing goes out by itself: only the beacon of the page that is left.
    page.route("**/answers", lambda route: route.abort())
    answer(page)
    expect(page.locator("#saved")).not_to_have_text("✓ 已保存")
    with page.expect_request(lambda r: r.url.endswith("/beacon")) as sent:
        page.evaluate(
            """() => { Object.defineProperty(document, "hidden", { value: true, configurable: true });
                       document.dispatchEvent(new Event("visibilitychange")); }"""
        )
    assert sent.value.response().status == 200
    office, account = open_page({"width": 1280, "height": 800}), academy.accounts["city"]
    sign_in(office, academy.url, account["phone"], account["password"])
    office.goto(f"{academy.url}/exams/manage/1")
    row = office.locator("#board tbody tr").first
    expect(row.locator('[data-title="离开"]')).to_have_text(re.compile(r"[1-9]\d* 次"))


def test_seconds_on_the_screen_are_told_with_the_answer(taking):
    page = taking()
    go_to(page, 6)
    page.wait_for_timeout(2200)
    page.locator("#card").click()
    page.wait_for_timeout(1500)
    page.locator("#back").click()
    with page.expect_request("**/answers") as sent:
        answer(page)
    told = sent.value.post_data_json["answers"][-1]["seconds"]
    assert 2 <= told <= 10
    saved(page)


def test_the_phone_s_clock_changes_nothing(taking):
    """An hour ahead or behind: the remaining time is the server's."""
    left = []
    for hours in (-1, 1):
        page = taking()
        page.clock.install(
            time=__import__("datetime").datetime.now()
            + __import__("datetime").timedelta(hours=hours)
        )
        page.reload()
        expect(page.locator("#stem")).to_be_visible()
        expect(page.locator("#clock")).to_have_text(re.compile(r"\d+:\d\d"))
        left.append(int(page.locator("#clock").inner_text().split(":")[0]))
    assert all(0 < minutes <= 60 for minutes in left) and abs(left[0] - left[1]) <= 1


def test_only_the_server_s_clock_hands_in_and_time_that_is_given_arrives(
    academy, taking, open_page
):
    """The phone's clock jumps by 70 minutes; the invigilator gives ten more to a page that only waits."""
    page = taking()
    page.evaluate("() => { const now = Date.now; Date.now = () => now() + 70 * 60_000; }")
    page.wait_for_timeout(2500)
    expect(page.locator("#stem")).to_be_visible()
    expect(page.locator("#time-up")).to_be_hidden()

    def minutes():
        return int(page.locator("#clock").inner_text().split(":")[0])

    before = minutes()
    office, account = open_page({"width": 1280, "height": 800}), academy.accounts["city"]
    sign_in(office, academy.url, account["phone"], account["password"])
    office.goto(f"{academy.url}/exams/manage/1")
    token = office.locator("input[name=csrf_token]").first.get_attribute("value")
    answer = office.request.post(
        f"{academy.url}/exams/manage/1/decide",
        form={
            "csrf_token": token,
            "what": "extend_all",
            "attempt": "0",
            "minutes": "10",
            "reason": "停电",
        },
    )
    assert "延长了 10 分钟" in answer.text()
    page.wait_for_function(
        "before => Number(document.getElementById('clock').textContent.split(':')[0]) >= before + 9",
        arg=before,
        timeout=15_000,
    )


def test_everything_needed_weighs_little_and_comes_on_a_slow_line(academy, taking):
    page = taking()
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": 400,
            "downloadThroughput": 50_000,
            "uploadThroughput": 50_000,
        },
    )
    page.reload()
    page.locator("#stem").wait_for(timeout=8000)
    weight = page.evaluate(
        """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
                   .reduce((sum, entry) => sum + entry.encodedBodySize, 0)"""
    )
    assert 10_000 < weight <= 60 * 1024, weight
