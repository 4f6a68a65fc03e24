"""The main job, end to end: appointed, trained, examined, certified, counted."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import expect
from pypdf import PdfReader

from tests.factories import HEAD, today, workbook
from tests.system.browser.conftest import OFFICE, Running, answer_quiz, assert_accessible, sign_in
from tests.system.browser.steps import answer, count_of

pytestmark = pytest.mark.browser
YEAR = today().year
PHONE_NUMBER, NAME, NEW_PASSWORD = "17700000001", "欧阳新竹", "green-hill-58"


def coverage(running: Running) -> dict:
    """The district's figures by the command line, beside the page's."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "exam_app",
            "coverage",
            "--year",
            str(YEAR),
            "--division",
            running.accounts["district"]["division"],
            "--json",
        ],
        env=running.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def covered_on(page) -> int:
    return int(re.search(r"已覆盖 (\d+) 人", page.locator(".big").inner_text())[1])


def test_from_appointment_to_certificate(academy, open_page):
    url, office_account = academy.url, academy.accounts["district"]
    office = open_page(OFFICE)
    sign_in(office, url, office_account["phone"], office_account["password"])

    # The office enters the newly appointed director from its workbook and opens the account.
    office.goto(f"{url}/ledger")
    place = (
        office.locator("tbody tr", has_text="儿童主任")
        .first.locator('[data-title="地方"]')
        .inner_text()
    )
    town, village = re.match(r"平度市(.+?(?:街道|镇))(.+)", place).groups()
    office.goto(f"{url}/ledger/import")
    data = workbook([[NAME, PHONE_NUMBER, "平度市", town, village, "2026-11-20"]], HEAD)
    office.locator("#file").set_input_files(
        {"name": "新任.xlsx", "mimeType": "application/octet-stream", "buffer": data}
    )
    office.get_by_role("button", name="检查这个文件").click()
    assert_accessible(office)
    office.get_by_role("button", name="确认导入 1 行").click()
    expect(office.get_by_text("新增 1 行")).to_be_visible()
    office.goto(f"{url}/ledger?q={PHONE_NUMBER}")
    office.get_by_role("button", name="开通账号").click()
    assert_accessible(office)
    initial = office.locator("#initial-password").inner_text()
    office.goto(f"{url}/coverage")
    before_page, before = covered_on(office), coverage(academy)
    assert before_page == before["covered"]

    # First sign-in on the phone, with a new password.
    phone = open_page()
    sign_in(phone, url, PHONE_NUMBER, initial)
    expect(phone.get_by_role("heading", name="第一次登录，请设一个新密码")).to_be_visible()
    phone.get_by_label("现在的密码").fill(initial)
    phone.get_by_label("新密码", exact=True).fill(NEW_PASSWORD)
    phone.get_by_label("再填一次新密码").fill(NEW_PASSWORD)
    phone.get_by_role("button", name="保存新密码").click()

    # Study, unit by unit, as the card on the first page says.
    phone.get_by_role("link", name="开始学习").click()
    for number in range(1, 13):
        expect(phone.get_by_text(f"第 {number} / 12 个单元")).to_be_visible()
        answer_quiz(phone)
        phone.get_by_role("button", name="我学完了").click()
    expect(phone.get_by_text("学时已记入您的培训档案")).to_be_visible()
    assert coverage(academy)["covered"] == before["covered"]

    # The exam, with one reload in the middle.
    phone.goto(f"{url}/")
    expect(phone.get_by_text("已学 8 / 8 学时")).to_be_visible()
    phone.get_by_role("link", name="去考试").click()
    phone.get_by_label("我本人独立作答").check()
    phone.get_by_role("button", name="开始考试").click()
    total = count_of(phone)
    # Cases bring more than one question each.
    assert total > 50
    for number in range(1, total + 1):
        expect(phone.locator("#place")).to_have_text(f"第 {number}/{total} 题")
        answer(phone)
        if number == 25:
            expect(phone.locator("#saved")).to_have_text("✓ 已保存")
            phone.reload()
            expect(phone.locator("#place")).to_have_text(f"第 25/{total} 题")
            assert phone.locator("#options input:checked").count() >= 1
        if number == 30:
            phone.get_by_role("button", name="答题卡").click()
            expect(phone.locator("#map button.answered")).to_have_count(30)
            expect(phone.locator("#missing")).to_contain_text(f"还有 {total - 30} 题没有答")
            phone.get_by_role("button", name="接着答题").click()
        phone.get_by_role("button", name="下一题" if number < total else "看答题卡").click()
    expect(phone.locator("#missing")).to_contain_text("全部答完了")
    phone.get_by_role("button", name="交卷", exact=True).click()
    expect(phone.get_by_role("heading", name="合格了，100 分")).to_be_visible()
    assert_accessible(phone)
    explained = phone.locator("article").first
    expect(explained.get_by_role("link", name="原条款")).to_be_visible()
    target = explained.get_by_role("link", name="知识库怎么说").get_attribute("href")
    assert phone.request.get(url + target.split("#")[0]).status == 200

    # The certificate: downloaded, readable, and true for anyone who checks it.
    with phone.expect_download() as download:
        phone.get_by_role("link", name="下载证书").click()
    text = PdfReader(download.value.path()).pages[0].extract_text()
    number = re.search(r"QD\d{4}-\w{4}-\w{4}-\w{4}", text)[0]
    assert NAME in text and "初任儿童主任考核" in text
    phone.goto(f"{url}/archive")
    assert_accessible(phone)
    stranger = open_page()
    stranger.goto(f"{url}/verify/{number}")
    assert_accessible(stranger)
    expect(stranger.get_by_text("真实有效")).to_be_visible()
    expect(stranger.get_by_text("欧***")).to_be_visible()
    stranger.goto(f"{url}/verify/{number[:-4]}AAAA")
    expect(stranger.get_by_text("没有查到")).to_be_visible()

    # The office sees exactly one more, and the export holds the person.
    office.reload()
    after = coverage(academy)
    assert covered_on(office) == after["covered"] == before["covered"] + 1
    assert (before["pending"] - after["pending"], after["uncovered"] - before["uncovered"]) == (
        1,
        0,
    )
    with office.expect_download() as download:
        office.get_by_role("link", name="导出 Excel").click()
    book = openpyxl.load_workbook(io.BytesIO(Path(download.value.path()).read_bytes()))
    rows = {r[3]: r for r in book["人员名单"].iter_rows(min_row=3, values_only=True)}
    assert rows[NAME][6] == "已覆盖"
    assert "初任儿童主任必修课（8学时）" in rows[NAME][11] and len(rows[NAME][11]) <= 200
    total = list(book["覆盖情况"].iter_rows(min_row=3, values_only=True))[-1]
    assert (total[0], total[3]) == ("合计", after["covered"])


def test_answers_given_offline_arrive_later(academy, open_page):
    account = academy.accounts["director"]
    page = open_page()
    sign_in(page, academy.url, account["phone"], account["password"])
    page.goto(f"{academy.url}/exams")
    page.get_by_role("link", name="去考试").first.click()
    page.get_by_label("我本人独立作答").check()
    page.get_by_role("button", name="开始考试").click()
    total = count_of(page)
    page.context.set_offline(True)
    for number in range(1, 11):
        answer(page)
        page.get_by_role("button", name="下一题").click()
        expect(page.locator("#place")).to_have_text(f"第 {number + 1}/{total} 题")
    expect(page.locator("#saved")).to_have_text("离线，已记下 10 题")
    page.context.set_offline(False)
    expect(page.locator("#saved")).to_have_text("✓ 已保存", timeout=40000)
    page.reload()
    page.get_by_role("button", name="答题卡").click()
    expect(page.locator("#map button.answered")).to_have_count(10)
