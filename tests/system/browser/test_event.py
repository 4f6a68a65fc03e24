"""A training's whole life: the city plans and announces, a district sends people, two phones sign in, it is filed."""

from __future__ import annotations

import io
import re
import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from docx import Document
from playwright.sync_api import expect
from pypdf import PdfReader

from tests.system.browser.conftest import OFFICE, assert_accessible, sign_in
from tests.system.browser.steps import database
from training_records.database import make_session_factory
from training_records.events.models import EventSession

pytestmark = pytest.mark.browser
ZONE = ZoneInfo("Asia/Shanghai")
TITLE = "市级示范培训甲班"


def enter(academy, open_page, phone, **more):
    page = open_page(**more)
    sign_in(page, academy.url, phone, "lighthouse-2026")
    return page


def local(moment):
    return moment.astimezone(ZONE).strftime("%Y-%m-%dT%H:%M")


def ended(academy):
    """Lets all sessions have ended: the clock of the server can't be moved, the sessions can."""
    engine = database(academy)
    with make_session_factory(engine)() as session:
        for one in session.query(EventSession):
            one.starts_at -= timedelta(hours=5)
            one.ends_at -= timedelta(hours=5)
        session.commit()
    engine.dispose()


def downloaded(page, name):
    with page.expect_download() as told:
        page.get_by_role("link", name=name).click()
    return io.BytesIO(open(told.value.path(), "rb").read())


def test_from_plan_to_report(academy, open_page):
    url, city_account = academy.url, academy.accounts["city"]
    city = enter(academy, open_page, city_account["phone"], size=OFFICE)
    now = datetime.now(ZONE)

    # The city plans its demonstration training and begins it with the programme that comes along.
    city.goto(f"{url}/events")
    assert_accessible(city)
    city.get_by_role("link", name="年培训计划").click()
    city.get_by_label("培训名称").fill(TITLE)
    city.get_by_label("月份").fill(str(now.month))
    city.get_by_label("人数").fill("20")
    city.get_by_label("经费（元）").fill("12000")
    city.get_by_label("这是市级示范培训").check()
    city.get_by_role("button", name="加到计划里").click()
    expect(city.get_by_role("rowheader", name=re.compile(TITLE))).to_be_visible()
    assert_accessible(city)
    city.get_by_role("row", name=re.compile(TITLE)).get_by_role("button", name="开始筹备").click()
    expect(city.get_by_role("heading", name="填上课地点")).to_be_visible()
    event_url = city.url

    # Today's session in place of the programme's last half day; place, contact, notice.
    city.get_by_label("地点", exact=True).fill("市委党校报告厅")
    city.get_by_label("联系人和电话").fill("培训办 0532-12345")
    city.locator("#about").locator("..").get_by_role("button", name="保存", exact=True).click()
    city.get_by_text("加一节（按半天加").click()
    city.get_by_label("讲什么").fill("开班第一课")
    city.locator("#session-starts_at").fill(local(now - timedelta(minutes=5)))
    city.locator("#session-ends_at").fill(local(now + timedelta(hours=2)))
    city.locator("#session-hours").fill("2")
    city.get_by_role("button", name="加这一节").click()
    expect(city.get_by_role("heading", name="开班第一课")).to_be_visible()
    city.get_by_role("button", name="发布通知").click()
    expect(city.get_by_text("通知发布了")).to_be_visible()
    assert_accessible(city)

    # The district puts two people up; one number that nobody has is told.
    district_account = academy.accounts["district"]
    district = enter(academy, open_page, district_account["phone"], size=OFFICE)
    district.goto(event_url)
    first, second = "19900000001", other_director(academy)
    district.get_by_label("要报的人").fill(f"{first}\n{second}\n13000000000")
    district.get_by_role("button", name="报上去").click()
    expect(district.get_by_text("报上 2 人")).to_be_visible()
    expect(district.get_by_text("台账里没有这个人")).to_be_visible()
    assert_accessible(district)

    # The city approves; the papers are there.
    city.goto(event_url)
    city.get_by_role("button", name="录取勾选的").click()
    expect(city.get_by_text("录取 2 人。", exact=True)).to_be_visible()
    notice = Document(downloaded(city, "通知（Word）"))
    text = "\n".join(p.text for p in notice.paragraphs) + str(
        [[c.text for c in r.cells] for t in notice.tables for r in t.rows]
    )
    assert "市委党校报告厅" in text and "平度市" in text and "开班第一课" in text
    names = Document(downloaded(city, "名单和签到表（Word）"))
    assert len(names.tables[0].rows) == 3
    badges = PdfReader(downloaded(city, "胸牌（PDF）"))
    assert "平度市" in badges.pages[0].extract_text() and len(badges.pages) == 1
    assert len(PdfReader(downloaded(city, "席卡（PDF）")).pages) == 2

    # The screen at the door; the first phone scans and signs in with one tap.
    city.goto(event_url)
    city.get_by_role("link", name="打开签到大屏：开班第一课").click()
    expect(city.locator("#of")).to_have_text("2")
    expect(city.locator("#qr svg")).to_be_visible()
    assert_accessible(city)
    link = city.locator("#qr").get_attribute("data-link")
    phone = enter(academy, open_page, first)
    phone.goto(link)
    assert_accessible(phone)
    phone.get_by_role("button", name="点这里签到").click()
    expect(phone.get_by_role("heading", name="✓ 签到好了")).to_be_visible()
    assert_accessible(phone)
    phone.goto(link)
    phone.get_by_role("button", name="点这里签到").click()
    expect(phone.get_by_role("heading", name="早已签到")).to_be_visible()
    expect(city.locator("#in")).to_have_text("1", timeout=20000)

    # A photograph of the code, opened elsewhere more than a minute later, is refused.
    scanned = time.monotonic()

    # The second person has no phone that scans: their own code is shown at the door.
    helper = enter(academy, open_page, second)
    helper.goto(f"{url}/events/mine")
    helper.get_by_text("我的签到码").click()
    expect(helper.locator(".qr svg")).to_be_visible()
    assert_accessible(helper)
    # The whole code in sight, above the bar at the bottom.
    helper.set_viewport_size({"width": 390, "height": 1400})
    codes = helper.locator(".qr").screenshot()
    city.goto(event_url)
    city.get_by_role("link", name="签到名单").last.click()
    city.get_by_label("拍一张照片").set_input_files(
        {"name": "badge.png", "mimeType": "image/png", "buffer": codes}
    )
    city.get_by_role("button", name="认码签到").click()
    expect(city.get_by_text("照片里认出 1 个码，新签到 1 人")).to_be_visible()
    expect(city.get_by_text("应到 2 人，已登记 2 人")).to_be_visible()
    assert_accessible(city)

    if "ACADEMY_DATABASE_URL" not in academy.environment:
        # What the database is makes no difference to the clock: waited for once.
        time.sleep(max(0.0, 61 - (time.monotonic() - scanned)))
        answer = helper.goto(link)
        assert answer.status == 410
        expect(helper.get_by_text("这个码过期了")).to_be_visible()
        assert_accessible(helper)

    # The sessions end; survey, filing in one step, archives, report.
    ended(academy)
    for page in (phone, helper):
        page.goto(f"{url}/events/mine")
    # Those of the programme that are still to come are taken out.
    city.goto(event_url)
    for _ in range(4):
        row = (
            city.locator(".line-box")
            .filter(has_not=city.get_by_role("heading", name="开班第一课"))
            .first
        )
        row.get_by_text("改时间或去掉").click()
        row.get_by_label("原因").fill("并到一天")
        row.get_by_role("button", name="去掉这一节").click()
        expect(city.get_by_text("去掉了。")).to_be_visible()
    phone.goto(f"{url}/events/mine")
    phone.get_by_role("link", name="填问卷").click()
    assert_accessible(phone)
    for name in ("content", "teacher", "organisation", "usefulness"):
        phone.locator(f'input[name="{name}"][value="5"]').check()
    phone.get_by_role("button", name="交上去").click()
    expect(phone.get_by_text("问卷不记名")).to_be_visible()
    city.goto(event_url)
    city.get_by_role("link", name="核对并归档").click()
    expect(city.get_by_text("2 人到课，共 4 学时")).to_be_visible()
    assert_accessible(city)
    city.get_by_label("签到表由谁核对").fill("核对人甲")
    city.get_by_role("button", name=re.compile("确认，记进 2 人")).click()
    expect(city.get_by_text("2 人的学时记进了培训档案")).to_be_visible()
    phone.goto(f"{url}/archive")
    expect(phone.get_by_text(TITLE).first).to_be_visible()
    city.goto(f"{event_url}/report")
    city.get_by_label("写进总结报告的话").fill("案例研讨最受欢迎。")
    city.get_by_label("写进总结报告的话").locator("xpath=ancestor::form").get_by_role(
        "button"
    ).click()
    expect(city.get_by_text("满 5 份才显示结果")).to_be_visible()
    assert_accessible(city)
    told = Document(downloaded(city, "下载总结报告（Word）"))
    text = "\n".join(p.text for p in told.paragraphs)
    assert "到课 2 人，到课率 100.0%" in text and "案例研讨最受欢迎。" in text
    assert "不足 5 份，不公布结果" in text and len(told.inline_shapes) == 1
    city.goto(f"{url}/events")
    expect(city.locator("section", has_text=TITLE)).to_contain_text("到课 2 人")
    assert_accessible(city)
    district.goto(f"{url}/events")
    assert_accessible(district)


def other_director(academy):
    """Another director of the district with an account, by phone."""
    from sqlalchemy import select

    from exam_app.identity.models import Account

    engine = database(academy)
    with make_session_factory(engine)() as session:
        query = select(Account.phone).where(
            Account.role == "director",
            Account.division_code.startswith("370283"),
            Account.phone != "19900000001",
        )
        found = session.scalars(query.order_by(Account.id)).first()
        session.commit()
    engine.dispose()
    return found
