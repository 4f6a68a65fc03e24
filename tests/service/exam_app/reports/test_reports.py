"""Pages of the annual report and of collected cases."""

from __future__ import annotations

import io
from datetime import date

from docx import Document

from tests.factories import DISTRICT, OTHER_DISTRICT, PARTS, VILLAGE, texts

YEAR = date.today().year


def test_what_is_written_stands_in_the_document_and_is_handed_in(world, sign_in, office, city):
    world.person(VILLAGE)
    assert "还差 2 个" in city.get("/reports").text
    told = {
        "t-problems": "山区路远\n冬天更难",
        "t-measures": "增配两名",
        "t-task-3": "办了三场",
        "version": "0",
    }
    office.get(office.form("/reports", **told).location)
    page = office.get("/reports").text
    assert "山区路远" in page and 'name="version" value="1"' in page
    stale = office.form("/reports", **{**told, "t-problems": "别的"})
    assert "同事刚才也改过" in stale.text
    report = texts(Document(io.BytesIO(office.get("/reports/annual.docx").data)))
    for words in ("山区路远", "冬天更难", "增配两名", "办了三场", "还有 1 人没有完成当年培训"):
        assert words in report, words
    # Nobody else's: another district's has none of it; the city takes any along.
    other = sign_in(world.account("district", OTHER_DISTRICT))
    assert "山区路远" not in other.get("/reports").text
    assert other.get(f"/reports/annual.docx?division={DISTRICT}").status_code == 404
    found = city.get(f"/reports/annual.docx?division={DISTRICT}").data
    assert "山区路远" in texts(Document(io.BytesIO(found)))

    refused = office.form("/reports", hand_in="1", file=(io.BytesIO(b"MZ"), "报告.exe"))
    assert "PDF、JPG 或 PNG" in refused.text
    done = office.form("/reports", hand_in="1", file=(io.BytesIO(b"%PDF-1.4 seal"), "报告.pdf"))
    assert "交上去了" in office.get(done.location).text
    assert "还差 1 个" in city.get("/reports").text
    assert city.get(f"/reports/{DISTRICT}.file").data == b"%PDF-1.4 seal"
    assert other.get(f"/reports/{DISTRICT}.file").status_code == 404
    assert other.get(f"/reports/{OTHER_DISTRICT}.file").status_code == 404
    assert office.get("/reports?year=1999").status_code == 422


def test_a_case_from_the_phone_to_the_report(world, sign_in, office, city):
    phone = sign_in(world.account("director", VILLAGE))
    answer = phone.form(
        "/cases/new", item="16", **{**PARTS, "done": "打 13812345678"}, nameless="1"
    )
    assert answer.status_code == 422 and "像是手机号" in answer.text
    assert PARTS["situation"] in answer.text
    assert phone.form("/cases/new", item="16", **PARTS, nameless="1").status_code == 302
    assert "等区（市）看" in phone.get("/cases").text
    office.form("/cases/1/decide", state="returned", comment="再写细一点")
    assert "再写细一点" in phone.get("/cases/1").text
    assert "改一改案例" in phone.get("/").text
    assert phone.form("/cases/1", **PARTS).status_code == 422
    phone.form("/cases/1", **{**PARTS, "title": "雨夜转移"}, nameless="1")
    assert "雨夜转移" in office.get("/cases").text
    office.form("/cases/1/decide", state="accepted", nameless="1")
    city.form("/cases/1/decide", state="chosen", nameless="1")
    assert "市里入选" in phone.get("/cases").text
    report = texts(Document(io.BytesIO(office.get("/reports/annual.docx").data)))
    assert "案例 1：雨夜转移（市里入选）" in report and PARTS["result"] in report

    other = sign_in(world.account("district", OTHER_DISTRICT))
    assert other.get("/cases/1").status_code == 404
    assert other.form("/cases/1/decide", state="declined", comment="x").status_code == 404
    neighbour = sign_in(world.account("director", VILLAGE))
    assert neighbour.get("/cases/1").status_code == 404
    assert neighbour.form("/cases/1", **PARTS).status_code == 404
    assert phone.form("/cases/1/decide", state="accepted").status_code == 403
    assert office.form("/cases/1", **PARTS, nameless="1").status_code == 404


def test_two_who_write_at_once_see_both_texts(office):
    office.form("/reports", **{"t-problems": "同事的话", "version": "0"})
    answer = office.form("/reports", **{"t-problems": "我的正文", "version": "0"})
    assert answer.status_code == 422
    assert ">\n我的正文</textarea>" in answer.text.replace("\r", "")
    assert "同事的话" in answer.text
    # The page that came back can be saved.
    assert 'name="version" value="1"' in answer.text
    assert (
        office.form("/reports", **{"t-problems": "合起来的话", "version": "1"}).status_code == 302
    )
    assert "合起来的话" in office.get("/reports").text


def test_a_text_of_the_length_that_the_box_takes_is_taken(office):
    full = ("字" * 99 + "\r\n") * 30
    assert office.form("/reports", **{"t-measures": full, "version": "0"}).status_code == 302
    long = office.form("/reports", **{"t-measures": "字" * 3001, "version": "1"})
    assert long.status_code == 422
    assert "最多 3000 个字" in long.text
    assert "字" * 3001 in long.text


def test_a_control_character_spoils_no_document(office):
    office.form("/reports", **{"t-problems": "甲\x02乙\x1b丙\ufffe", "version": "0"})
    report = texts(Document(io.BytesIO(office.get("/reports/annual.docx").data)))
    assert "甲乙丙" in report
