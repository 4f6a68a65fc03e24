"""An evaluation with an appeal, from the district's start to the lock."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from playwright.sync_api import expect

from tests.factories import today
from tests.system.browser.conftest import OFFICE, assert_accessible
from tests.system.browser.steps import alter, enter
from training_records.evaluation.models import EvaluationRun
from training_records.ledger.models import Post

pytestmark = pytest.mark.browser


def test_a_round_with_an_appeal(academy, open_page):
    url = academy.url

    def long_in_post(session):
        post = session.query(Post).filter_by(person_id=1).one()
        post.start = date(today().year - 1, 1, 1)

    alter(academy, long_in_post)
    office = enter(academy, open_page, "district", size=OFFICE)
    office.goto(f"{url}/evaluation")
    assert_accessible(office)
    office.get_by_role("button", name="算出每个人，开始自评").click()
    expect(office.get_by_text("儿童主任现在可以自评")).to_be_visible()
    office.get_by_role("link", name=f"{today().year} 年", exact=True).click()
    assert_accessible(office)
    run = office.url

    phone = enter(academy, open_page, "director")
    phone.goto(f"{url}/archive")
    phone.get_by_role("link", name="我的评价").click()
    assert_accessible(phone)
    phone.get_by_role("link", name="去自评").click()
    phone.get_by_text("每一分怎么来的").first.click()
    expect(phone.get_by_text("按时走访率").first).to_be_visible()
    assert_accessible(phone)
    phone.get_by_role("link", name="看记录：按时走访率").click()
    expect(phone.get_by_role("heading", name="按时走访率")).to_be_visible()
    assert_accessible(phone)
    phone.go_back()
    phone.get_by_label("我的自评").fill("每户都走到了，3 月在外学习。")
    phone.get_by_role("button", name="保存自评").click()
    expect(phone.get_by_text("自评保存好了")).to_be_visible()
    own = phone.url

    office.goto(run)
    office.get_by_role("button", name="自评结束，交镇（街）复核").click()
    expect(office.get_by_role("heading", name="镇（街）复核")).to_be_visible()
    office.get_by_role("button", name="镇（街）复核完，到区（市）").click()
    office.get_by_role("button", name="开始公示").click()
    expect(office.get_by_text("现在是“公示”")).to_be_visible()

    phone.goto(own)
    phone.get_by_role("textbox", name="异议").fill("3 月的走访记录补上了，请重新算。")
    phone.get_by_role("button", name="交上去").click()
    expect(phone.get_by_text("异议交上去了")).to_be_visible()
    assert_accessible(phone)

    office.goto(run)
    office.get_by_role("button", name="定稿").click()
    expect(office.get_by_text("公示完才能定稿")).to_be_visible()
    office.get_by_role("link", name="去答复").click()
    office.get_by_text("每一分怎么来的").nth(3).click()
    office.get_by_role("link", name="看记录").nth(-1).click()
    assert_accessible(office)
    office.go_back()
    office.get_by_label("答复").fill("核对过，记录已更正。")
    office.get_by_role("button", name="成立", exact=True).click()
    expect(office.get_by_text("答复了。请改正记录")).to_be_visible()
    assert_accessible(office)
    office.goto(run)
    office.get_by_role("button", name="记录改过了，重新计算").click()
    expect(office.get_by_text("按现在的记录重新算了")).to_be_visible()
    office.get_by_role("link", name="换一换权重会怎样").click()
    assert_accessible(office)
    office.goto(f"{run}/overview")
    assert_accessible(office)

    # Publicity ends; nothing changes after the lock, and the archive has it.
    def over(session):
        for one in session.query(EvaluationRun):
            one.publicity_until = today() - timedelta(days=2)

    alter(academy, over)
    office.goto(run)
    office.get_by_role("button", name="定稿").click()
    expect(office.get_by_text("已锁定")).to_be_visible()
    expect(office.get_by_text("和定稿时一致")).to_be_visible()
    assert_accessible(office)
    phone.goto(own)
    expect(phone.get_by_text("核对过，记录已更正。")).to_be_visible()
    phone.goto(f"{url}/archive")
    expect(phone.get_by_text(f"{today().year}年工作评价").first).to_be_visible()
