"""A case from a phone into the district's report, the report from the district to the city; a model worker."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.factories import PARTS, today
from tests.system.browser.conftest import OFFICE, assert_accessible
from tests.system.browser.steps import alter, enter
from training_records.exemplars.models import Exemplar

# What the database is doesn't show on a page: one engine is enough here.
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("academy", ["sqlite"], indirect=True)]
YEAR = today().year


def test_a_case_and_the_annual_report(academy, open_page, tmp_path):
    url = academy.url
    phone = enter(academy, open_page, "director")
    phone.goto(f"{url}/archive")
    phone.get_by_role("link", name="优秀案例").click()
    phone.get_by_role("link", name="写一个案例").click()
    phone.get_by_label("题目").fill(PARTS["title"])
    phone.get_by_label("情况").fill("电话 13812345678")
    phone.get_by_label("怎么做的").fill(PARTS["done"])
    phone.get_by_label("结果").fill(PARTS["result"])
    phone.get_by_label("看过了").check()
    phone.get_by_role("button", name="交上去").click()
    expect(phone.get_by_text("像是手机号")).to_be_visible()
    assert_accessible(phone)
    phone.get_by_label("情况").fill(PARTS["situation"])
    phone.get_by_label("看过了").check()
    phone.get_by_role("button", name="交上去").click()
    expect(phone.get_by_text("案例交上去了")).to_be_visible()

    office = enter(academy, open_page, "district", size=OFFICE)
    office.goto(f"{url}/cases")
    office.get_by_role("link", name=PARTS["title"]).click()
    office.get_by_label("看过了").check()
    office.get_by_role("button", name="选上").click()
    expect(office.get_by_text("记下了：区（市）选上")).to_be_visible()
    assert_accessible(office)
    office.goto(f"{url}/evaluation")
    office.get_by_role("link", name=f"写 {YEAR} 年自查报告").click()
    expect(office.get_by_role("link", name=PARTS["title"])).to_be_visible()
    office.get_by_label("还有什么问题").fill("山区路远，冬天更难。")
    office.get_by_role("button", name="保存", exact=True).click()
    expect(office.get_by_text("保存好了")).to_be_visible()
    sealed = tmp_path / "报告.pdf"
    sealed.write_bytes(b"%PDF-1.4 sealed")
    office.get_by_label("盖好章的报告").set_input_files(sealed)
    office.get_by_role("button", name="交给市民政局").click()
    expect(office.get_by_text("交上去了，市民政局看得到")).to_be_visible()
    assert_accessible(office)

    city = enter(academy, open_page, "city", size=OFFICE)
    city.goto(f"{url}/reports")
    expect(city.get_by_text("交了 1 个，还差 9 个")).to_be_visible()
    with city.expect_download() as got:
        city.get_by_role("link", name="盖章件").click()
    assert got.value.path().read_bytes() == b"%PDF-1.4 sealed"


def test_a_model_worker_agrees_first(academy, open_page):
    url = academy.url
    office = enter(academy, open_page, "district", size=OFFICE)
    office.goto(f"{url}/exemplars/nominate/1")
    office.get_by_label("推荐材料").fill("三年都好，每户都走到。")
    office.get_by_label("公布的话").fill("风雨无阻，孩子都认得她。")
    office.get_by_role("button", name="推荐，请本人同意").click()
    expect(office.get_by_text("本人在手机上同意以后才能公示")).to_be_visible()
    assert_accessible(office)
    phone = enter(academy, open_page, "director")
    phone.goto(f"{url}/archive")
    phone.get_by_role("link", name="典型选树").click()
    expect(phone.get_by_text("风雨无阻").first).to_be_visible()
    assert_accessible(phone)
    phone.get_by_role("button", name="我同意").click()
    expect(phone.get_by_text("记下了：您同意")).to_be_visible()
    office.reload()
    office.get_by_role("button", name="开始公示").click()
    expect(office.get_by_text("公示到").first).to_be_visible()

    def over(session):
        session.query(Exemplar).one().publicity_until = today() - timedelta(days=2)

    alter(academy, over)
    city = enter(academy, open_page, "city", size=OFFICE)
    city.goto(office.url)
    city.get_by_role("button", name="选定").click()
    expect(city.get_by_text("知识库正在更新")).to_be_visible()
    assert_accessible(city)
    # The job builds the knowledge base anew; anybody may read it.
    published = f"{url}/kb/cases/published/"
    for _ in range(120):
        if "风雨无阻" in city.request.get(published).text():
            break
        city.wait_for_timeout(1000)
    city.goto(published)
    expect(city.get_by_text("风雨无阻").first).to_be_visible()
