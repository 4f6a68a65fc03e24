from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from tests.factories import OTHER_VILLAGE, TOWN, VILLAGE, VILLAGE_2, row, workbook
from training_records.archive import appointments
from training_records.archive.service import entries_of, verify
from training_records.corrections.batches import apply_checked, import_ledger, undo_batch
from training_records.errors import NotFound, Refused
from training_records.ledger import absence, service
from training_records.ledger.importer import (
    check_ledger,
    remember_titles,
    titles_of,
)
from training_records.ledger.models import ImportBatch, LedgerChange, Person, Post

TODAY = date(2026, 11, 24)


@pytest.fixture
def person(session, world):
    found = service.register(session, {"name": "王秀兰", "phone": "13800000001"}, "test")
    appointments.record_check(
        session, found, date(2026, 11, 1), result="无记录", by="test", today=TODAY
    )
    return found


def told(session, person):
    return [(line.kind, line.fields, line.reason) for line in service.history(session, person.id)]


def test_every_change_says_who_when_why_and_what_it_was(session, person):
    service.edit_person(
        session, person, {"phone": "13900000009"}, by="account:7", reason="换了号码"
    )
    line = service.history(session, person.id)[0]
    assert (line.created_by, line.reason) == ("account:7", "换了号码")
    assert line.fields == {"phone": ["13800000001", "13900000009"]}
    with pytest.raises(Refused, match="为什么改"):
        service.edit_person(session, person, {"phone": "13900000008"}, by="test", reason=" ")
    assert not service.edit_person(
        session, person, {"phone": "13900000009"}, by="test", reason="同上"
    )


@pytest.mark.parametrize(
    ("checked", "result", "due", "reason"),
    [
        (None, None, None, "没有入职查询"),
        (date(2026, 11, 25), "无记录", None, "没有入职查询"),
        (date(2026, 11, 1), "有记录", None, "不能任职"),
        (date(2025, 10, 1), "无记录", date(2026, 10, 1), "到期"),
    ],
)
def test_nobody_is_appointed_without_a_clean_check(session, world, checked, result, due, reason):
    more = {
        "background_checked_on": checked,
        "background_result": result,
        "background_next_due": due,
    }
    new = service.register(session, {"name": "李桂英", "phone": "13800000002", **more}, "test")
    with pytest.raises(Refused, match=reason):
        appointments.appoint(session, new, "director", code=VILLAGE, start=TODAY, by="test")
    assert session.scalar(select(func.count()).select_from(Post)) == 0


def test_a_check_is_due_again_in_a_year(session, person):
    assert person.background_next_due == date(2027, 11, 1)
    with pytest.raises(Refused, match="晚于今天"):
        appointments.record_check(
            session, person, TODAY + timedelta(days=1), result="无记录", by="test", today=TODAY
        )


def test_checks_are_in_the_archive_once_there_is_one(session, person):
    assert entries_of(session, person.id) == []
    appointments.appoint(
        session, person, "director", code=VILLAGE, start=date(2026, 11, 10), by="test"
    )
    for _ in range(2):
        appointments.record_check(
            session, person, date(2026, 11, 20), result="无记录", by="test", today=TODAY
        )
    filed = [(e.kind, e.date, e.title) for e in entries_of(session, person.id)]
    assert filed == [
        ("check", date(2026, 11, 20), "入职查询：无记录"),
        ("check", date(2026, 11, 1), "入职查询：无记录"),
    ]
    assert verify(session)[1] == []


def test_posts_over_time(session, person):
    first = appointments.appoint(
        session, person, "director", code=VILLAGE, start=date(2026, 11, 10), by="test"
    )
    with pytest.raises(Refused, match="已经任"):
        appointments.appoint(session, person, "director", code=VILLAGE, start=TODAY, by="test")
    with pytest.raises(Refused, match="要登记在村"):
        appointments.appoint(session, person, "director", code=TOWN, start=TODAY, by="test")
    second = appointments.appoint(
        session, person, "director", code=VILLAGE_2, start=date(2026, 11, 12), by="test"
    )
    moved = appointments.transfer(
        session, first, OTHER_VILLAGE, start=TODAY, by="test", reason="婚嫁"
    )
    service.leave(session, second, TODAY, by="test", reason="换届")
    assert [(p.division_code, p.start, p.end) for p in (first, second, moved)] == [
        (VILLAGE, date(2026, 11, 10), TODAY - timedelta(days=1)),
        (VILLAGE_2, date(2026, 11, 12), TODAY),
        (OTHER_VILLAGE, TODAY, None),
    ]
    kinds = [line.kind for line in service.history(session, person.id)]
    assert kinds[:5] == ["left", "appointed", "left", "appointed", "appointed"]
    with pytest.raises(Refused, match="不能早于"):
        service.leave(session, moved, TODAY - timedelta(days=9), by="test", reason="换届")
    with pytest.raises(Refused, match="原因"):
        service.leave(session, moved, TODAY, by="test", reason="")


def test_a_post_is_handed_over(session, person):
    post = appointments.appoint(
        session, person, "director", code=VILLAGE, start=date(2026, 11, 10), by="test"
    )
    heir = service.register(session, {"name": "李桂英", "phone": "13800000002"}, "test")
    appointments.record_check(session, heir, date(2026, 11, 20), result="无记录", by="test")
    new = appointments.replace(session, post, heir, start=TODAY, by="test", reason="换届")
    assert (post.end, new.person_id, new.start) == (TODAY - timedelta(days=1), heir.id, TODAY)


def test_villages_without_a_director_and_with_too_many_children(session, world):
    first = world.person(VILLAGE)
    first.posts[0].caseload = 31
    session.flush()
    empty, total = service.vacancies(session, "370283", TODAY)
    assert ([d.code for d in empty], total) == ([VILLAGE_2], 1)
    assert [tuple(r) for r in service.overloaded(session, "370283", TODAY)] == [
        (VILLAGE, "前河村", 31, 1)
    ]
    world.person(VILLAGE)
    assert service.overloaded(session, "370283", TODAY) == []


HEAD = ["姓名", "手机号", "区（市）", "镇（街）", "村/社区名称", "任职开始日期", "文化程度"]


def check(session, data, **more):
    return check_ledger(
        session, data, **{"prefix": "370283", "today": TODAY, "digest_key": b"k", **more}
    )


def apply(session, checked, **more):
    values = {"name": "a.xlsx", "division_code": "370283000000", "by": "test", "today": TODAY}
    report = apply_checked(session, checked, **{**values, **more})
    session.commit()
    return report


def snapshot(session):
    people = [
        tuple(r)
        for r in session.execute(
            select(Person.name, Person.phone, Person.education).order_by(Person.id)
        )
    ]
    posts = [
        tuple(r)
        for r in session.execute(
            select(Post.person_id, Post.division_code, Post.end).order_by(Post.id)
        )
    ]
    return people, posts


def test_differences_are_shown_before_and_an_import_is_undone_as_a_whole(session, world):
    old = world.person(VILLAGE, name="王秀兰", phone="13800000001", education="初中")
    gone = world.person(VILLAGE_2, name="赵大山", phone="13800000003")
    before = snapshot(session)
    data = workbook(
        [[*row(start="2024-01-01"), "大专"], [*row("李桂英", "13800000002", "后沟村"), "高中"]],
        HEAD,
    )
    checked = check(session, data)
    report = checked.report
    assert (report.new, report.changed, report.errors) == (1, 1, [])
    assert [(d.row, d.column, d.before, d.after) for d in report.differences] == [
        (2, "文化程度", "初中", "大专")
    ]
    assert [(one.name, one.code) for one in report.left] == [("赵大山", VILLAGE_2)]
    assert report.unchecked == 2
    assert snapshot(session) == before
    apply(session, checked, left=[report.left[0].post_id])
    session.expire_all()
    assert old.education == "大专" and gone.posts[0].end == TODAY - timedelta(days=1)
    batch = session.scalars(select(ImportBatch)).one()
    assert (batch.new, batch.changed, batch.left) == (1, 1, 1)
    undone = undo_batch(session, batch, "test")
    session.commit()
    session.expire_all()
    assert (undone.removed, undone.restored, undone.kept) == (1, 2, [])
    assert snapshot(session) == before
    with pytest.raises(Refused, match="已经撤销"):
        undo_batch(session, batch, "test")


def test_somebody_whose_row_has_a_fault_has_not_left(session, world):
    world.person(VILLAGE, name="王秀兰", phone="13800000001")
    world.person(VILLAGE_2, name="赵大山", phone="13800000003")
    data = workbook([row(phone="1380000"), row("李桂英", "13800000002", "后沟村")])
    report = check(session, data).report
    assert len(report.errors) == 1 and [one.name for one in report.left] == ["赵大山"]


def test_an_undo_leaves_what_was_built_upon(session, world):
    import_ledger(
        session,
        workbook([[*row(), "大专"], [*row("李桂英", "13800000002", "后沟村"), "高中"]], HEAD),
        prefix="370283",
        today=TODAY,
        digest_key=b"k",
    )
    session.commit()
    trained, changed = session.scalars(select(Person).order_by(Person.id))
    world.entry(trained)
    service.edit_person(session, changed, {"education": "本科"}, by="test", reason="更正")
    undone = undo_batch(session, session.scalars(select(ImportBatch)).one(), "test")
    session.commit()
    assert undone.removed == 1 and [p for p, _ in undone.kept] == [trained.id]
    assert [p.name for p in session.scalars(select(Person))] == [trained.name]


def test_only_the_new_or_only_the_changed(session, world):
    world.person(VILLAGE, name="王秀兰", phone="13800000001", education="初中")
    data = workbook(
        [[*row(start="2024-01-01"), "大专"], [*row("李桂英", "13800000002", "后沟村"), "高中"]],
        HEAD,
    )
    apply(session, check(session, data), kinds=["new"])
    assert [p[2] for p in snapshot(session)[0]] == ["初中", "高中"]
    apply(session, check(session, data), kinds=["changed"])
    assert [p[2] for p in snapshot(session)[0]] == ["大专", "高中"]


def test_a_file_checked_before_somebody_else_changed_the_ledger_is_not_written(session, world):
    person = world.person(VILLAGE, name="王秀兰", phone="13800000001", education="初中")
    checked = check(session, workbook([[*row(start="2024-01-01"), "大专"]], HEAD))
    service.edit_person(session, person, {"education": "本科"}, by="test", reason="更正")
    session.commit()
    with pytest.raises(Refused, match="别人改过"):
        apply(session, checked)
    session.rollback()
    assert snapshot(session)[0][0][2] == "本科"


def test_titles_of_an_office_are_remembered(session, world):
    head = ["姓名", "手机号", "镇（街）", "村/社区名称", "最高学历情况"]
    data = workbook([["王秀兰", "13800000001", "云桥镇", "前河村", "大专"]], head)
    assert check(session, data).report.unknown == ("最高学历情况",)
    remember_titles(session, "370283000000", {"最高学历情况": "education"})
    session.commit()
    mapping = titles_of(session, "370283000000")
    apply(session, check(session, data, mapping=mapping))
    assert snapshot(session)[0][0][2] == "大专"
    assert titles_of(session, "370281000000") == {}


def test_a_new_term_in_the_same_village_is_a_new_post(session, world):
    person = world.person(VILLAGE, name="王秀兰", phone="13800000001", start=date(2020, 1, 1))
    person.posts[0].end = date(2022, 12, 31)
    session.commit()
    apply(session, check(session, workbook([[*row(start="2026-03-01"), "大专"]], HEAD)))
    posts = session.scalars(select(Post).order_by(Post.start)).all()
    assert [(p.start, p.end) for p in posts] == [
        (date(2020, 1, 1), date(2022, 12, 31)),
        (date(2026, 3, 1), None),
    ]


def test_history_names_nobodys_identity_number(session, world):
    head = [*HEAD, "证件号码"]
    apply(session, check(session, workbook([[*row(), "大专", "11010519491231002X"]], head)))
    apply(session, check(session, workbook([[*row(), "本科", "11010519491231002X"]], head)))
    lines = session.scalars(select(LedgerChange)).all()
    assert lines and "11010519491231002X" not in repr([line.fields for line in lines])


def test_leave_is_noted_ended_and_taken_back(session, world):
    one, two = world.person(start=date(2025, 1, 1)), world.person(start=date(2026, 6, 1))
    first = absence.note_absence(
        session, one, "birth", start=date(2026, 3, 1), end=None, by="t", reason=""
    )
    with pytest.raises(Refused, match="已经记过一次假"):
        absence.note_absence(
            session, one, "illness", start=date(2026, 5, 1), end=None, by="t", reason=""
        )
    with pytest.raises(Refused, match="不满 30 天"):
        absence.end_absence(session, first, one, end=date(2026, 3, 29), by="t")
    absence.end_absence(session, first, one, end=date(2026, 5, 31), by="t")
    absence.note_absence(
        session, one, "illness", start=date(2026, 8, 1), end=date(2026, 8, 30), by="t", reason=""
    )
    with pytest.raises(Refused, match="没有任职"):
        absence.note_absence(
            session, two, "other", start=date(2026, 5, 1), end=None, by="t", reason=""
        )
    with pytest.raises(Refused, match="早于第一天"):
        absence.note_absence(
            session, two, "other", start=date(2026, 7, 1), end=date(2026, 6, 1), by="t", reason=""
        )
    with pytest.raises(Refused, match="种类"):
        absence.note_absence(
            session, two, "holiday", start=date(2026, 7, 1), end=None, by="t", reason=""
        )
    with pytest.raises(NotFound):
        absence.get_absence(session, first.id, two.id)
    found = absence.absences_in(session, VILLAGE, date(2026, 1, 1), last=date(2026, 12, 31))
    assert found == {
        one.id: [(date(2026, 3, 1), date(2026, 5, 31)), (date(2026, 8, 1), date(2026, 8, 30))]
    }
    with pytest.raises(Refused, match="为什么撤销"):
        absence.remove_absence(session, first, "t", reason=" ")
    absence.remove_absence(session, first, "t", reason="记错了人")
    assert [a.kind for a in absence.absences_of(session, one.id)] == ["illness"]
    assert [k for k, _, _ in told(session, one)].count("away") == 4
    session.commit()
