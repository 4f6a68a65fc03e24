"""Learning on a phone: time that is counted and time that is not, practice without a network, recordings."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.factories import BANK, form_values, mp3
from tests.system.browser.conftest import OFFICE, answer_quiz, assert_accessible, sign_in

# What the database is doesn't show on a page: one engine is enough here.
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("academy", ["sqlite"], indirect=True)]
UNIT = "/learn/induction/visits"
HIDE = """hidden => {
  Object.defineProperty(document, 'visibilityState', {configurable: true, get: () => hidden ? 'hidden' : 'visible'});
  document.dispatchEvent(new Event('visibilitychange'));
}"""


def enter(academy, open_page, role="director", **more):
    page, account = open_page(**more), academy.accounts[role]
    sign_in(page, academy.url, account["phone"], account["password"])
    return page


def counted(page):
    """Seconds that the newest window of the log has counted."""
    log = page.context.new_page()
    log.goto(page.url.split("/learn")[0] + "/learn/log")
    text = log.locator('[data-title="记上的时间"]').first.inner_text()
    log.close()
    minutes, seconds = re.search(r"(\d+) 分 (\d+) 秒", text).groups()
    return 60 * int(minutes) + int(seconds)


def test_only_real_time_before_the_page_counts(academy, open_page):
    page = enter(academy, open_page)
    # A phone whose clock runs three hours in a moment sends hundreds of beats, and gains nothing.
    page.clock.install()
    page.goto(academy.url + UNIT)
    with page.expect_response("**/learn/beat"):
        page.clock.run_for(2000)
    for _ in range(40):
        page.clock.run_for(270_000)
    page.wait_for_timeout(1500)
    assert counted(page) <= 20

    # A page that is not seen adds nothing, however long it stays open.
    page.evaluate(HIDE, True)
    page.wait_for_timeout(500)
    before = counted(page)
    page.wait_for_timeout(3000)
    page.evaluate(HIDE, False)
    page.wait_for_timeout(500)
    assert counted(page) - before <= 1


def test_a_second_window_takes_over(academy, open_page):
    first = enter(academy, open_page)
    first.goto(academy.url + UNIT)
    second = first.context.new_page()
    second.goto(academy.url + UNIT)
    second.wait_for_timeout(1500)
    first.evaluate(HIDE, True)
    first.evaluate(HIDE, False)
    expect(first.get_by_role("heading", name="另一个窗口在学")).to_be_visible()
    assert_accessible(first)
    first.get_by_role("link", name="在这里接着学").click()
    expect(first.locator("#elsewhere")).to_be_hidden()
    first.wait_for_load_state("networkidle")
    first.wait_for_timeout(1500)
    second.evaluate(HIDE, True)
    second.evaluate(HIDE, False)
    expect(second.get_by_role("heading", name="另一个窗口在学")).to_be_visible()


def choose(page):
    """Answers the question of the practice that is on the screen rightly."""
    expect(page.locator("#stem")).not_to_be_empty()
    question = STEMS[page.locator("#stem").inner_text()]
    for value in form_values(question):
        page.locator(f'#options input[value="{value}"]').check()
    page.get_by_role("button", name="看答案").click()
    expect(page.locator("#told")).to_contain_text("✓ 对了")


STEMS = {
    q.stem.replace("**", ""): q for q in BANK if q.type in ("single", "multiple", "true_false")
}


def test_daily_practice_without_a_network(academy, open_page):
    page = enter(academy, open_page)
    page.goto(academy.url + "/")
    page.get_by_text("接下来还有").click()
    page.get_by_role("link", name=re.compile("今天的 5 道题")).click()
    expect(page.locator("#at")).to_have_text("第 1/5 题")
    assert_accessible(page)
    choose(page)
    expect(page.locator("#saved")).to_have_text("✓ 已保存")
    page.wait_for_function(
        "() => navigator.serviceWorker.controller || navigator.serviceWorker.ready"
    )
    page.wait_for_timeout(500)
    page.get_by_role("button", name="下一题").click()

    page.context.set_offline(True)
    for number in (2, 3):
        expect(page.locator("#at")).to_have_text(f"第 {number}/5 题")
        choose(page)
        page.get_by_role("button", name="下一题").click()
    expect(page.locator("#saved")).to_have_text("离线，已记下 2 题")
    # The page is closed and opened again where there is no network.
    page.reload()
    expect(page.locator("#stem")).to_be_visible()
    expect(page.locator("#saved")).to_have_text("离线，已记下 2 题")
    choose(page)
    expect(page.locator("#saved")).to_have_text("离线，已记下 3 题")
    page.context.set_offline(False)
    expect(page.locator("#saved")).to_have_text("✓ 已保存")
    page.goto(academy.url + "/practice")
    expect(page.get_by_role("heading", name="今天还剩 1 题")).to_be_visible()
    assert page.request.get(academy.url + "/practice/pack.json").json()["done"] == 4
    assert_accessible(page)


def test_an_answer_the_server_could_not_take_is_sent_again(academy, open_page):
    page = enter(academy, open_page)
    refused = []

    def refuse_once(route):
        if refused:
            return route.continue_()
        refused.append(route.request.url)
        return route.fulfill(status=503, body="")

    page.route("**/api/v1/outbox", refuse_once)
    page.goto(academy.url + "/practice/daily")
    choose(page)
    expect(page.locator("#saved")).to_have_text("✓ 已保存")
    assert refused


def test_from_a_trainers_desk_to_a_recording_heard(academy, open_page):
    desk = enter(academy, open_page, "city", size=OFFICE)
    desk.goto(academy.url + "/courses")
    desk.get_by_label("新课程的名称").fill("录音一课")
    desk.get_by_role("button", name="写一门新课").click()
    desk.get_by_role("link", name="新单元").click()
    desk.get_by_label("名称", exact=True).fill("听一听")
    desk.get_by_label("正文（Markdown").fill("## 听之前\n\n- 记下**三件**事")
    desk.get_by_label("录像（MP4）或录音").set_input_files(
        {"name": "课.mp3", "mimeType": "audio/mpeg", "buffer": mp3(60)}
    )
    desk.get_by_label("小测题数").fill("2")
    desk.get_by_label("从哪个主题出题").select_option("强制报告")
    desk.get_by_role("button", name="保存并预览").click()
    expect(desk.locator("#preview ~ article strong")).to_have_text("三件")
    assert_accessible(desk)
    desk.get_by_role("link", name="返回课程").click()
    assert_accessible(desk)
    desk.get_by_role("button", name="发布这一版").click()
    expect(desk.get_by_text("发布了，学员现在就能看到")).to_be_visible()
    assert_accessible(desk)

    phone = enter(academy, open_page)
    phone.goto(academy.url + "/learn")
    phone.get_by_role("link", name="开始学：听一听").click()
    assert_accessible(phone)
    length = phone.evaluate(
        "() => new Promise(done => { const r = document.getElementById('recording');"
        " if (r.duration) done(r.duration); else r.addEventListener('loadedmetadata', () => done(r.duration)); })"
    )
    assert 58 < length < 62
    # It is played from further on, left, and goes on there.
    phone.evaluate(
        "() => { const r = document.getElementById('recording'); r.muted = true; r.currentTime = 30; return r.play(); }"
    )
    phone.wait_for_timeout(2500)
    phone.evaluate("() => document.getElementById('recording').pause()")
    phone.wait_for_timeout(800)
    phone.reload()
    phone.wait_for_function("() => document.getElementById('recording').currentTime > 29")
    answer_quiz(phone)
    phone.get_by_role("button", name="我学完了").click()
    expect(phone.get_by_text("学时已记入您的培训档案")).to_be_visible()
