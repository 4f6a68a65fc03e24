"""Training outside, corrections and archives on paper, page by page."""

from __future__ import annotations

import hashlib
import io
import zipfile

import pypdfium2
import pytest
from docx import Document
from hypothesis import strategies as st
from sqlalchemy import select

from exam_app.jobs.models import Job
from tests.factories import (
    DAY,
    OTHER_VILLAGE,
    TOWN,
    VILLAGE,
    VILLAGE_2,
    work_off,
)
from training_records.archive.models import ArchiveEntry
from training_records.archive.service import entries_of, verify
from training_records.ledger.models import Person

PDF = b"%PDF-1.4 attendance"


def outside(**more):
    return {
        "kind": "training",
        "title": "省示范培训班",
        "date": DAY.isoformat(),
        "level": "省",
        "form": "面授",
        "organiser": "山东省民政厅",
        "hours": "8",
        "people": "",
        "confirmed_by": "李核对",
        **more,
    }


def test_training_outside_is_filed_for_many_with_its_sheet(world, session, app, office, other):
    first, second = world.person(name="王秀兰"), world.person(VILLAGE_2, name="李桂英")
    world.person(name="张好"), world.person(VILLAGE_2, name="张好")
    stranger = world.person(OTHER_VILLAGE, name="外人")
    session.commit()
    lines = f"{first.phone} 王秀兰\n李桂英\n张好\n{stranger.phone}\n李桂英"
    values = outside(people=lines)
    data = {**values, "file": (io.BytesIO(PDF), "签到表.pdf")}
    checked = office.client.post("/archive/record", data=data, headers=office.headers)
    assert "找到 2 人，有 2 行没认出" in checked.text
    assert "有 2 人同名" in checked.text and "台账里没有这个人" in checked.text
    assert session.scalar(select(ArchiveEntry.id)) is None
    session.commit()
    digest = hashlib.sha256(PDF).hexdigest()
    for expected in (2, 2):
        office.form("/archive/record", **values, kept=digest, confirm="1")
        session.expire_all()
        filed = session.scalars(select(ArchiveEntry).order_by(ArchiveEntry.id)).all()
        assert [e.person_id for e in filed] == [first.id, second.id][:expected]
        session.commit()
    assert filed[0].evidence == {"confirmed_by": "李核对", "files": [digest]}
    assert verify(session)[1] == []
    session.commit()
    assert office.get(f"/evidence/{digest}").data == PDF
    assert other.get(f"/evidence/{digest}").status_code == 404
    path = app.config["ACADEMY"].instance / "evidence" / digest[:2] / digest
    path.write_bytes(b"%PDF-1.4 another")
    assert "被改过" in office.get(f"/evidence/{digest}").text


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"hours": ""}, "请填学时"),
        ({"hours": "9e9"}, "0 到 100"),
        ({"date": "2099-01-01"}, "晚于今天"),
        ({"level": "村"}, "请选层级"),
        ({"confirmed_by": " "}, "核对"),
        ({"people": " "}, "一行一个"),
    ],
)
def test_training_that_can_t_be_is_refused(world, office, change, reason):
    world.person(name="王秀兰")
    answer = office.form("/archive/record", **{**outside(people="王秀兰"), **change})
    assert answer.status_code == 422 and reason in answer.text


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"MZ evil", "只能是"), (b"", "空的"), (PDF + b"0" * 11 * 2**20, "最多 10 MB")],
)
def test_evidence_of_other_kinds_and_sizes_is_refused(world, session, office, data, reason):
    world.person(name="王秀兰")
    values = {**outside(people="王秀兰"), "file": (io.BytesIO(data), "a.pdf")}
    answer = office.client.post("/archive/record", data=values, headers=office.headers)
    assert answer.status_code == 422 and reason in answer.text


def test_a_person_asks_for_a_correction_and_gets_an_answer(world, session, sign_in, office, other):
    account = world.account("director", VILLAGE)
    entry = world.entry(session.get_one(Person, account.person_id))
    foreign = world.entry(world.person())
    api = sign_in(account)
    assert api.form("/archive/correct", text="不是我", entry=foreign.id).status_code == 404
    assert api.form("/archive/correct", text="那天我没去", entry=entry.id).status_code == 302
    assert "那天我没去" in office.get("/archive/requests").text
    assert "那天我没去" not in other.get("/archive/requests").text
    url = "/archive/requests/1"
    assert other.form(url, answer="不属实", accepted="").status_code == 404
    assert office.form(url, answer="核对签到表，属实", accepted="1").status_code == 302
    assert office.form(url, answer="再来", accepted="1").status_code == 404
    assert entries_of(session, account.person_id) == []
    assert "核对签到表，属实" in api.get("/archive").text


def test_an_archive_on_paper(world, session, office, other):
    person = world.person(name="王秀兰")
    world.entry(person, organiser="平度市民政局")
    url = f"/archive/{person.id}"
    assert other.get(f"{url}.pdf").status_code == 404
    with pypdfium2.PdfDocument(office.get(f"{url}.pdf").data) as made:
        text = made[0].get_textpage().get_text_range()
        assert made[0].get_width() == pytest.approx(595.28, abs=0.5)
    assert all(word in text for word in ("王秀兰", "8 学时", "平度市民政局", "第 1 页", "盖章处"))
    document = Document(io.BytesIO(office.get(f"{url}.docx").data))
    cells = [c.text for t in document.tables for r in t.rows for c in r.cells]
    assert "王秀兰" in cells and "8 学时" in cells


def test_a_town_s_archives_in_one_file(world, session, app, office, other):
    names = {world.person(name="王秀兰").name, world.person(VILLAGE_2, name="李桂英").name}
    world.person(OTHER_VILLAGE, name="外人")
    session.commit()
    assert office.form("/archives", division=TOWN).status_code == 302
    assert work_off(app) == 1
    job = session.scalars(select(Job)).one()
    assert (job.state, job.done, job.total) == ("done", 2, 2)
    session.commit()
    assert other.get(f"/jobs/{job.id}").status_code == 404
    data = office.get(f"/jobs/{job.id}/file").data
    listed = zipfile.ZipFile(io.BytesIO(data)).namelist()
    assert {name.rsplit("/", 1)[1].split("-")[0] for name in listed} == names
    assert "下载" in office.get(f"/jobs/{job.id}").text


people = st.lists(
    st.tuples(st.sampled_from([f"37028300{n}001" for n in range(1, 6)]), st.integers(1, 400)),
    min_size=1,
    max_size=60,
    unique_by=lambda p: p[1],
)
