"""An exam on paper: printed, photographed, looked at, scored."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from pypdf import PdfReader
from sqlalchemy import select

from exam_app.config import load_config
from exam_app.exams.models import Attempt
from exam_app.exams.slots import slots
from exam_app.sheets.models import AnswerSheet
from harness.camera import Camera
from tests.factories import rightly
from tests.paper import as_jpeg, filled
from tests.system.browser.conftest import OFFICE, PHONE, Running, assert_accessible, sign_in
from training_records.database import make_engine, make_session_factory
from training_records.ledger.models import Person, Post

# What the database is doesn't show on a page: one engine is enough here.
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("academy", ["sqlite"], indirect=True)]
PHOTO = Camera(turn=4, perspective=0.04, shadow=0.3, noise=5, scale=8)


@pytest.mark.parametrize("size", [OFFICE, PHONE], ids=["office", "phone"])
def test_from_print_to_score(academy: Running, open_page, size: dict[str, int]) -> None:
    engine = make_engine(load_config(academy.environment).database_url)
    district = academy.accounts["district"]
    with make_session_factory(engine)() as session:
        tried = select(Attempt.person_id)
        sheeted = select(AnswerSheet.person_id)
        person = session.scalars(
            select(Person)
            .join(Post, Post.person_id == Person.id)
            .where(
                Post.division_code.startswith(district["division"][:6]),
                Post.role == "director",
                Post.end.is_(None),
                Person.id.not_in(tried),
                Person.id.not_in(sheeted),
            )
            .order_by(Person.id)
        ).first()
        assert person is not None
        session.commit()
    page = open_page(size)
    sign_in(page, academy.url, district["phone"], district["password"])
    page.goto(academy.url + "/exams/manage/1")
    page.get_by_role("link", name="印卷、读卡").click()
    page.get_by_label("只给其中几个人").fill(str(person.phone))
    page.get_by_role("button", name="做答题卡").click()
    expect(page.locator("body")).to_contain_text("做好了 1 张答题卡")
    assert_accessible(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="下载答题卡").click()
    printed = PdfReader(download.value.path())
    text = "".join(part.extract_text() for part in printed.pages)
    with make_session_factory(engine)() as session:
        sheet = session.scalars(select(AnswerSheet).where(AnswerSheet.person_id == person.id)).one()
        assert sheet.code in text and person.name in text
        places = {place.id: place for place in slots(sheet.form)}
        photos = [as_jpeg(picture) for picture in filled(sheet, rightly, camera=PHOTO)]
        session.commit()
    page.get_by_label("PDF 或照片").set_input_files(
        [
            {"name": f"照片{n}.jpg", "mimeType": "image/jpeg", "buffer": photo}
            for n, photo in enumerate(photos, 1)
        ]
    )
    page.get_by_role("button", name="传上去").click()
    expect(page.locator("body")).to_contain_text(f"收到 {len(photos)} 页")
    # The page looks again by itself until the reader is done.
    expect(page.get_by_role("link", name="开始看")).to_be_visible(timeout=40000)
    assert_accessible(page)
    page.get_by_role("link", name="开始看").click()
    assert_accessible(page)
    for part in page.locator("fieldset.question").all():
        slot = re.search(r"第 (\d+) 题", part.locator("legend").inner_text())[1]
        picture = part.locator("img.scan")
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_js_property("complete", True)
        assert picture.evaluate("image => image.naturalWidth") > 100
        for box, blank in zip(
            part.locator("input[type=text], input:not([type])").all(),
            rightly(places[slot]),
            strict=True,
        ):
            box.fill(blank)
    page.get_by_role("button", name="记下，看下一张").click()
    page.get_by_role("button", name=re.compile("给这 1 张计分")).click()
    expect(page.locator("body")).to_contain_text("计分 1 张")
    row = page.get_by_role("row").filter(has_text=sheet.code)
    expect(row).to_contain_text("已计分")
    with make_session_factory(engine)() as session:
        attempt = session.scalars(select(Attempt).where(Attempt.person_id == person.id)).one()
        assert attempt.state == "released" and attempt.score == attempt.max_score
        session.commit()
    engine.dispose()
