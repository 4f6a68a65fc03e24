"""The annual report and collected cases: nothing lost, nobody named, each step by who may."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from tests.factories import CITY, DISTRICT, OTHER_DISTRICT, PARTS, TOWN, VILLAGE
from training_records.archive import evidence
from training_records.errors import NotFound, Refused
from training_records.inspection import cases, reports
from training_records.inspection.models import GoodCase

YEAR, DUE = 2026, date(2026, 10, 30)


def test_two_who_write_at_once_lose_nothing(session, world):
    first = reports.write_texts(
        session, DISTRICT, YEAR, texts={"problems": "人手少"}, version=0, by="a"
    )
    assert first.version == 1
    with pytest.raises(Refused, match="同事刚才也改过"):
        reports.write_texts(session, DISTRICT, YEAR, texts={"problems": "别的"}, version=0, by="b")
    reports.write_texts(
        session, DISTRICT, YEAR, texts={"problems": "人手少", "task-3": " 办了 "}, version=1, by="b"
    )
    assert reports.texts_of(session, DISTRICT, YEAR) == {"problems": "人手少", "task-3": "办了"}
    for odd, words in (({"task-24": "x"}, "没有这个地方"), ({"problems": "长" * 3001}, "最多写")):
        with pytest.raises(Refused, match=words):
            reports.write_texts(session, DISTRICT, YEAR, texts=odd, version=2, by="a")
    with pytest.raises(Refused, match="市"):
        reports.write_texts(session, TOWN, YEAR, texts={}, version=0, by="a")
    session.rollback()


def test_who_has_handed_in(session, world, tmp_path):
    def file(data):
        return evidence.keep(
            session, tmp_path, data, name="报告", division_code=DISTRICT, by="t"
        ).sha256

    def states(today):
        found = reports.filings(session, CITY, YEAR, today=today)
        return {f.division.code: f.state for f in found}

    assert states(DUE) == {DISTRICT: "awaited", OTHER_DISTRICT: "awaited"}
    reports.hand_in(session, DISTRICT, YEAR, digest=file(b"%PDF-1"), today=DUE, by="t")
    assert states(date(2026, 10, 31)) == {OTHER_DISTRICT: "missing", DISTRICT: "in_time"}
    # A better copy later does not make it late; the same file again is refused.
    row = reports.hand_in(
        session, DISTRICT, YEAR, digest=file(b"%PDF-2"), today=date(2026, 11, 5), by="t"
    )
    assert row.filed_on == DUE and row.replaced_at is not None
    with pytest.raises(Refused, match="同一份"):
        reports.hand_in(
            session, DISTRICT, YEAR, digest=file(b"%PDF-2"), today=date(2026, 11, 5), by="t"
        )
    reports.hand_in(
        session, OTHER_DISTRICT, YEAR, digest=file(b"%PDF-3"), today=date(2026, 11, 1), by="t"
    )
    assert states(date(2026, 11, 5)) == {OTHER_DISTRICT: "late", DISTRICT: "in_time"}
    with pytest.raises(Refused, match="市"):
        reports.hand_in(session, CITY, YEAR, digest=file(b"%PDF-4"), today=DUE, by="t")
    session.commit()


def submit(session, person, nameless=True, item=16, **change):
    parts = {**PARTS, **change}
    return cases.submit(
        session,
        VILLAGE,
        YEAR,
        item=item,
        parts=parts,
        nameless=nameless,
        by="account:1",
        person_id=person.id,
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"situation": "孩子 370283201403051234 的情况"}, "像是身份证号"),
        ({"done": "打 13812345678 给孩子父亲"}, "像是手机号"),
        ({"result": "现住 12 号楼 3 单元"}, "像是住址"),
        ({"situation": "孩子真名叫小明"}, "像是姓名"),
        ({"done": "走访 03-07 以后"}, "像是走访代号"),
        ({"title": " "}, "还没有写"),
        ({"result": "长" * 601}, "最多 600 字"),
    ],
)
def test_what_could_name_a_child_is_refused(session, world, change, words):
    with pytest.raises(Refused, match=words):
        submit(session, world.person(), **change)
    session.rollback()
    assert session.scalars(select(GoodCase)).all() == []
    session.commit()


def test_from_handing_in_to_the_citys_choice(session, world):
    person = world.person()
    with pytest.raises(Refused, match="看过了"):
        submit(session, person, nameless=False)
    with pytest.raises(Refused, match="哪一项任务"):
        submit(session, person, item=24)
    row = submit(session, person)
    assert row.state == "submitted" and cases.moves(row, "city") == ()
    with pytest.raises(Refused, match="为什么"):
        cases.decide(
            session, row, "district", state="returned", comment=" ", nameless=False, by="d"
        )
    with pytest.raises(Refused, match="不能这样办"):
        cases.decide(session, row, "town", state="accepted", comment="", nameless=True, by="t")
    cases.decide(
        session, row, "district", state="returned", comment="结果写具体些", nameless=False, by="d"
    )
    with pytest.raises(Refused, match="看过了"):
        cases.mend(session, row, PARTS, nameless=False)
    cases.mend(session, row, {**PARTS, "result": "一周后修好"}, nameless=True)
    assert (row.state, row.result) == ("submitted", "一周后修好")
    with pytest.raises(Refused, match="退回来的"):
        cases.mend(session, row, PARTS, nameless=True)
    with pytest.raises(Refused, match="看过了"):
        cases.decide(session, row, "district", state="accepted", comment="", nameless=False, by="d")
    cases.decide(session, row, "district", state="accepted", comment="", nameless=True, by="d")
    with pytest.raises(Refused):
        cases.decide(session, row, "district", state="chosen", comment="", nameless=True, by="d")
    cases.decide(session, row, "city", state="chosen", comment="", nameless=True, by="c")
    assert cases.moves(row, "district") == ()
    assert [c.id for c, _ in cases.cases_in(session, "3702", YEAR, states=("chosen",))] == [row.id]
    assert cases.cases_in(session, "370281", YEAR) == []
    with pytest.raises(NotFound):
        cases.get_case(session, row.id, "370281")
    own = cases.submit(session, DISTRICT, YEAR, item=20, parts=PARTS, nameless=True, by="account:2")
    assert own.state == "accepted" and own.person_id is None
    for _ in range(9):
        submit(session, person)
    with pytest.raises(Refused, match="最多交 10 个"):
        submit(session, person)
    session.commit()
