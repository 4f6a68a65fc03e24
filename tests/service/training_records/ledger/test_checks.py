"""The result of a background check is stored as a key; a label from before there were keys counts the same."""

from __future__ import annotations

import io
from datetime import date

import openpyxl
import pytest
from sqlalchemy import select, update

from tests.factories import DISTRICT, HEAD, VILLAGE_2, row, workbook
from training_records.archive import appointments
from training_records.archive.ledger_export import export_ledger
from training_records.archive.service import entries_of
from training_records.corrections.batches import import_ledger, undo_batch
from training_records.documents.archive import archive_data
from training_records.errors import Refused
from training_records.ledger import service
from training_records.ledger.columns import COLUMNS
from training_records.ledger.models import ImportBatch, LedgerChange, Person
from training_records.text import chinese_date

TODAY, CHECKED, DUE = date(2026, 11, 24), date(2026, 1, 5), date(2026, 12, 5)
CHECK_HEAD = [*HEAD, "入职查询日期", "入职查询结果", "文化程度"]
CLEAN, RECORD = ("clean", "无记录"), ("record", "有记录")


def person_with(world, result, **more):
    return world.person(
        background_checked_on=CHECKED, background_result=result, background_next_due=DUE, **more
    )


def run(session, result, education=None, checked="2026-01-05"):
    data = workbook([[*row(start="2024-01-01"), checked, result, education]], CHECK_HEAD)
    report = import_ledger(session, data, prefix="370283", today=TODAY, digest_key=b"k")
    session.commit()
    return report


def last(session, person):
    return service.history(session, person.id)[0]


@pytest.mark.parametrize("stored", CLEAN)
def test_a_clean_result_lets_appoint(session, world, stored):
    person = person_with(world, stored)
    post = appointments.appoint(session, person, "director", code=VILLAGE_2, start=TODAY, by="test")
    assert post.division_code == VILLAGE_2
    assert [e.title for e in entries_of(session, person.id)] == ["入职查询：无记录"]


@pytest.mark.parametrize(
    ("stored", "told"),
    [*((r, "有记录") for r in RECORD), ("无犯罪记录", "无犯罪记录"), (None, "没有登记")],
)
def test_any_other_result_does_not(session, world, stored, told):
    person = person_with(world, stored)
    with pytest.raises(Refused, match=f"查询结果是“{told}”"):
        appointments.appoint(session, person, "director", code=VILLAGE_2, start=TODAY, by="test")


@pytest.mark.parametrize("stored", CLEAN)
def test_the_next_check_is_a_change_only_where_it_says_something_else(session, world, stored):
    person = person_with(world, stored)
    appointments.record_check(
        session, person, date(2026, 11, 1), result="无记录", by="test", today=TODAY
    )
    assert set(last(session, person).fields) == {"background_checked_on", "background_next_due"}
    appointments.record_check(
        session, person, date(2026, 11, 2), result=" 有记录 ", by="test", today=TODAY
    )
    assert person.background_result == "record"
    assert last(session, person).fields["background_result"] == [stored, "record"]
    appointments.record_check(
        session, person, date(2026, 11, 3), result="查询中", by="test", today=TODAY
    )
    assert person.background_result == "查询中"
    titles = [e.title.removeprefix("入职查询：") for e in entries_of(session, person.id)]
    assert titles == ["查询中", "有记录", "无记录"]
    with pytest.raises(Refused, match="请写汉字"):
        appointments.record_check(session, person, date(2026, 11, 4), result="clean", by="test")


@pytest.mark.parametrize("stored", CLEAN)
def test_an_import_compares_what_is_said(session, world, stored):
    person = person_with(world, stored, name="王秀兰", phone="13800000001")
    assert run(session, "无记录").unchanged == 1
    report = run(session, "无记录", "大专")
    assert [(d.column, d.after) for d in report.differences] == [("文化程度", "大专")]
    report = run(session, "有记录")
    assert [(d.column, d.before, d.after) for d in report.differences] == [
        ("入职查询结果", "无记录", "有记录")
    ]
    session.expire_all()
    assert person.background_result == "record"
    batches = session.scalars(select(ImportBatch).order_by(ImportBatch.id.desc())).all()
    assert undo_batch(session, batches[0], "test").kept == []
    assert person.background_result == stored
    session.commit()


def test_an_import_of_before_there_were_keys_is_undone(session, world):
    person = person_with(world, "查询中", name="王秀兰", phone="13800000001")
    run(session, "无记录")
    change = session.scalars(select(LedgerChange).where(LedgerChange.kind == "changed")).one()
    change.fields = {"background_result": ["查询中", "无记录"]}
    session.execute(update(Person).values(background_result="无记录"))
    session.commit()
    assert run(session, "无记录").unchanged == 1
    first = session.scalars(select(ImportBatch).order_by(ImportBatch.id)).first()
    assert undo_batch(session, first, "test").kept == []
    assert person.background_result == "查询中"
    session.commit()


def test_new_rows_of_an_import_hold_keys(session, world):
    rows = [("王秀兰", "13800000001", "无记录"), ("李桂英", "13800000002", "无 犯罪记录")]
    data = workbook(
        [[*row(name, phone), "2026-01-05", result, None] for name, phone, result in rows],
        CHECK_HEAD,
    )
    import_ledger(session, data, prefix="370283", today=TODAY, digest_key=b"k")
    session.commit()
    stored = session.scalars(select(Person.background_result).order_by(Person.id)).all()
    assert stored == ["clean", "无 犯罪记录"]
    [error] = run(session, "clean").errors
    assert (error.column, error.value) == ("入职查询结果", "clean") and "无记录" in error.reason


def test_people_read_the_label(session, world):
    old, new = (person_with(world, stored) for stored in reversed(CLEAN))
    free = person_with(world, "查询中")
    book = openpyxl.load_workbook(
        io.BytesIO(export_ledger(session, DISTRICT[:6], "平度市", as_of=TODAY))
    ).active
    at = list(COLUMNS).index("background_result")
    assert [r[at].value for r in book.iter_rows(min_row=3)] == ["无记录", "无记录", "查询中"]
    for person, label in ((old, "无记录"), (new, "无记录"), (free, "查询中")):
        facts = dict(archive_data(session, person, TODAY)["facts"])
        assert facts["入职查询"] == f"{chinese_date(CHECKED)} {label}"
