"""What an office does with people, archives and certificates, page by page."""

from __future__ import annotations

import io
from datetime import date

import openpyxl
from sqlalchemy import select

from exam_app.exams.models import Attempt
from exam_app.identity.models import Account
from tests.factories import (
    OTHER_VILLAGE,
    TOWN,
    VILLAGE,
    VILLAGE_2,
    begin,
    hand_in,
    rightly,
)
from training_records.archive.service import entries_of, verify
from training_records.certificates.models import Certificate
from training_records.ledger.models import LedgerChange, Person, PersonMerge, Post


def test_a_new_person_needs_a_check_before_the_first_post(world, session, office):
    good = {
        "name": "王秀兰",
        "phone": "138 0000 9999",
        "role": "director",
        "place": "云桥镇 前河村",
        "start": "2026-11-20",
        "background_checked_on": "2026-11-01",
        "background_result": "无记录",
    }
    for field, value, reason in (
        ("background_result", "有记录", "不能任职"),
        ("background_checked_on", "", "入职查询日期"),
        ("background_checked_on", "2026-11-21", "没有入职查询"),
        ("place", "查无此村", "没有叫"),
        ("phone", "123", "手机号"),
    ):
        answer = office.form("/ledger/people/new", **{**good, field: value})
        assert answer.status_code == 422 and reason in answer.text, field
        assert session.scalar(select(Person.id)) is None
        session.commit()
    assert office.form("/ledger/people/new", **good).status_code == 302
    post = session.scalars(select(Post)).one()
    assert (post.person.phone, post.division_code) == ("13800009999", VILLAGE)
    session.commit()
    assert "这个手机号已经登记" in office.form("/ledger/people/new", **good).text


def test_a_person_is_moved_and_leaves(world, session, office, other):
    person = world.person(
        background_checked_on=date(2026, 1, 5),
        background_result="无记录",
        background_next_due=date(2027, 1, 5),
    )
    post, url = person.posts[0].id, f"/ledger/people/{person.id}"
    session.commit()
    assert other.get(url).status_code == 404
    moved = {"post": post, "place": "后沟村", "start": "2026-11-01", "reason": "婚嫁"}
    assert other.form(f"{url}/transfer", **moved).status_code == 404
    assert office.form(f"{url}/transfer", **{**moved, "place": "松湾镇 前河村"}).status_code == 422
    assert office.form(f"{url}/transfer", **moved).status_code == 302
    session.expire_all()
    assert [(p.division_code, p.end) for p in session.get_one(Person, person.id).posts] == [
        (VILLAGE, date(2026, 10, 31)),
        (VILLAGE_2, None),
    ]
    second = session.scalars(select(Post).where(Post.division_code == VILLAGE_2)).one()
    session.commit()
    assert "原因" in office.form(f"{url}/leave", post=second.id, end="2026-11-20", reason="").text
    office.form(f"{url}/edit", education="大专", reason="补填")
    office.form(f"{url}/post", post=second.id, caseload="31", start="2026-11-01", reason="摸底")
    assert "需增配" in office.get("/ledger/gaps").text
    office.form(f"{url}/post", post=second.id, caseload="1", start="2026-11-01", reason="更正")
    office.form(f"{url}/leave", post=second.id, end="2026-11-20", reason="换届")
    page = office.get(url).text
    assert "留守困境儿童数：31 → 1" in page
    assert "婚嫁" in page and "文化程度：空 → 大专" in page and "换届" in page
    kinds = session.scalars(select(LedgerChange.kind).order_by(LedgerChange.id)).all()
    assert kinds == ["left", "appointed", "changed", "changed", "changed", "left"]


def test_the_ledger_as_of_any_day(world, session, office):
    person = world.person(name="王秀兰")
    person.posts[0].end = date(2025, 6, 30)
    world.person(name="李桂英", start=date(2025, 7, 1))
    session.commit()
    today, then = office.get("/ledger").text, office.get("/ledger?on=2025-06-30").text
    assert "李桂英" in today and "王秀兰" not in today
    assert "王秀兰" in then and "李桂英" not in then
    book = openpyxl.load_workbook(io.BytesIO(office.get("/ledger/export.xlsx?on=2025-06-30").data))
    assert [row[1].value for row in book.active.iter_rows(min_row=3)] == ["王秀兰"]
    assert office.get("/ledger?on=2025-6").status_code == 422
    assert "1 个镇（街）没有儿童督导员" in office.get("/ledger/gaps").text


def whole(session, person_id):
    """What a person has: posts, entries that count, attempts, account, certificates."""
    return (
        sorted(
            (p.division_code, p.start)
            for p in session.scalars(select(Post).where(Post.person_id == person_id))
        ),
        sorted((e.kind, e.title, e.date) for e in entries_of(session, person_id)),
        sorted(session.scalars(select(Attempt.id).where(Attempt.person_id == person_id))),
        sorted(session.scalars(select(Account.id).where(Account.person_id == person_id))),
        sorted(session.scalars(select(Certificate.no).where(Certificate.person_id == person_id))),
    )


def test_somebody_who_is_there_twice_is_joined_and_parted(world, session, saver, office, other):
    exam = world.exam()
    account = world.account("director", VILLAGE)
    gone = session.get_one(Person, account.person_id)
    world.post(gone, VILLAGE_2, start=date(2023, 5, 1))
    world.entry(gone)
    hand_in(session, saver, begin(session, exam, gone), rightly)
    kept = world.person(VILLAGE, name=gone.name)
    world.entry(kept, "award")
    stranger = world.person(OTHER_VILLAGE)
    session.commit()
    before = whole(session, kept.id), whole(session, gone.id)
    session.commit()
    assert kept.phone in office.get("/ledger/twins").text
    url = f"/ledger/people/{kept.id}"
    for values, reason in (
        ({"phone": kept.phone, "reason": "x"}, "同一条记录"),
        ({"phone": gone.phone, "reason": " "}, "怎么知道"),
        ({"phone": "13012345678", "reason": "x"}, "没有登记过"),
    ):
        answer = office.form(f"{url}/merge", **values)
        assert answer.status_code == 422 and reason in answer.text
    assert office.form(f"{url}/merge", phone=stranger.phone, reason="x").status_code == 404
    assert other.form(f"{url}/merge", phone=gone.phone, reason="x").status_code == 404
    assert office.form(f"{url}/merge", phone=gone.phone, reason="核对过证件").status_code == 302
    session.expire_all()
    joined = whole(session, kept.id)
    assert whole(session, gone.id) == ([], [], [], [], [])
    assert {p for p, _ in joined[0]} == {VILLAGE, VILLAGE_2}
    assert sorted(joined[1]) == sorted([*before[0][1], *before[1][1]])
    assert joined[2:] == before[1][2:]
    assert verify(session)[1] == []
    session.commit()
    merge = session.scalars(select(PersonMerge)).one().id
    session.commit()
    assert office.form(f"{url}/unmerge/{merge + 1}").status_code == 422
    assert office.form(f"{url}/unmerge/{merge}").status_code == 302
    session.expire_all()
    assert (whole(session, kept.id), whole(session, gone.id)) == before
    assert verify(session)[1] == []
    session.commit()
    assert office.form(f"{url}/unmerge/{merge}").status_code == 422


def test_leave_by_page(world, sign_in, office, other, session):
    person = world.person(VILLAGE)
    url = f"/ledger/people/{person.id}"
    answer = office.form(f"{url}/absence", kind="birth", start="2026-03-01", end="2026-03-09")
    assert answer.status_code == 422 and "不满 30 天" in answer.text
    assert office.form(f"{url}/absence", kind="birth", start="2026-03-01").status_code == 302
    assert "还没回来" in office.get(url).text
    assert office.form(f"{url}/absence", absence="1", end="2026-06-10").status_code == 302
    page = office.get(url).text
    assert "2026年6月10日" in page and "请假最后一天：空 → 2026-06-10" in page
    assert "登记请假" not in sign_in(world.account("supervisor", TOWN)).get(url).text
    assert other.form(f"{url}/absence", absence="1", remove="1", reason="x").status_code == 404
    assert office.form(f"{url}/absence", absence="9", end="2026-06-10").status_code == 404
    office.form(f"{url}/absence", absence="1", remove="1", reason="记错了人")
    assert "没有记过请假" in office.get(url).text
