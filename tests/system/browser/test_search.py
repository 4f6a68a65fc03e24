"""The knowledge base's own search, in Chinese, as directors type: their words, slips included."""

from __future__ import annotations

import pytest
from playwright.sync_api import TimeoutError, expect

from tests.system.browser.conftest import OFFICE

# What the database is doesn't show on a page: one engine is enough here.
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("academy", ["sqlite"], indirect=True)]

# (what is typed, the page that answers it); several pages where each of them does.
PHRASES = [
    ("委托照护", "services/entrusted-care cards/leaving"),
    ("走访频次", "services/visits"),
    ("入职查询", "duties/team"),
    ("强制报告", "services/reporting"),
    ("三十人", "duties/team"),
    ("多久去一次", "services/visits"),
    ("几个月走一趟", "services/visits"),
    ("走仿频次", "services/visits"),
    ("家访问什么", "services/visits guides/talk"),
    ("档案怎么写", "services/visits"),
    ("一人一挡", "services/visits"),
    ("摸底", "services/visits"),
    ("什么叫留守", "services/identify policy"),
    ("爸爸打工妈妈在家算不算留守", "services/identify"),
    ("留首儿童", "services/identify"),
    ("困难儿童", "services/identify policy"),
    ("父母坐牢", "services/categories"),
    ("没爹没妈", "services/categories"),
    ("残疾孩子", "services/categories"),
    ("自闭症", "services/categories"),
    ("孩子得了大病", "services/categories cases/case-5"),
    ("离家出走", "services/categories services/reporting"),
    ("孩子不上学", "services/categories cards/school services/relief"),
    ("辍学", "services/categories services/relief cards/school"),
    ("孩子被打", "services/reporting cards/abuse"),
    ("怀疑被打要报警吗", "services/reporting cards/abuse"),
    ("强制报高", "services/reporting"),
    ("家暴", "services/reporting services/guardianship"),
    ("私了", "services/reporting"),
    ("找谁报告", "services/reporting duties/director"),
    ("孩子一个人在家", "services/entrusted-care cards/alone"),
    ("托管协议", "services/entrusted-care"),
    ("委托监户", "services/entrusted-care"),
    ("喝酒赌钱的亲戚", "services/entrusted-care"),
    ("多久打一次电话", "services/entrusted-care"),
    ("奶奶病了谁管", "services/entrusted-care cases/case-2"),
    ("不管孩子的父母", "services/guardianship"),
    ("换监护人", "services/guardianship"),
    ("发大水", "services/guardianship cards/disaster"),
    ("低保", "services/relief cards/relief"),
    ("没钱看病", "services/relief"),
    ("申请低宝", "services/relief"),
    ("怎么申请补助", "services/relief cards/relief"),
    ("孩子想不开", "services/mental"),
    ("抑郁", "services/mental"),
    ("孩子不理我", "services/mental guides/talk"),
    ("下河洗澡", "services/safety cases/case-6"),
    ("防弱水", "services/safety"),
    ("玩手机", "services/safety"),
    ("纹身", "services/safety"),
    ("校园霸凌", "services/safety"),
    ("老人带孩子", "services/family-education guides/talk"),
    ("志愿者", "services/activities"),
    ("活动室谁管", "services/activities"),
    ("发朋友圈", "services/privacy"),
    ("能不能写名字", "services/privacy"),
    ("查案底", "duties/team"),
    ("儿童主任考核打分", "duties/team"),
    ("密码忘了", "help"),
    ("走访表下载", "forms"),
]
NEEDED = 57


def test_what_directors_type_finds_the_right_page(academy, open_page):
    page = open_page(OFFICE)
    page.goto(f"{academy.url}/kb/")
    page.wait_for_load_state("networkidle")
    page.locator("input[name=query]").click()
    missed = []
    for phrase, places in PHRASES:
        found = search(page, phrase)
        pages = [link.partition("/kb/")[2].partition("?")[0].partition("#")[0] for link in found]
        if not {f"{place}/" for place in places.split()} & set(pages[:3]):
            missed.append((phrase, pages[:3]))
    assert len(PHRASES) == 60
    assert len(PHRASES) - len(missed) >= NEEDED, missed


def search(page, phrase) -> list[str]:
    """Links of the results in their order, a page each."""
    box = page.locator("input[name=query]")
    box.fill("")
    box.press("End")
    expect(page.locator(".md-search-result__item")).to_have_count(0)
    page.keyboard.insert_text(phrase)
    # The page searches on keyup, which an input method sends after its text.
    box.press("End")
    try:
        page.locator(".md-search-result__item").first.wait_for(state="attached", timeout=3000)
    except TimeoutError:
        return []
    return page.eval_on_selector_all(
        ".md-search-result__item",
        "items => items.map(item => item.querySelector('.md-search-result__link').href)",
    )
