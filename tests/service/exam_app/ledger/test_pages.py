"""What an office does with people, archives and certificates, page by page."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from datetime import date, timedelta

import openpyxl
import pypdfium2
import pytest
from docx import Document
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import func, select

from exam_app.audit.models import AuditEntry
from exam_app.background import KINDS
from exam_app.certificates.jobs import certificates_job
from exam_app.exams.models import Attempt
from exam_app.identity.models import Account
from exam_app.jobs import service as jobs
from exam_app.jobs.models import Job
from exam_app.spot.models import SpotCheck, SpotItem
from exam_app.spot.service import QUESTIONS, sample
from exam_app.web.services import services_of
from tests.factories import (
    DISTRICT,
    OTHER_DISTRICT,
    OTHER_VILLAGE,
    TOWN,
    VILLAGE,
    VILLAGE_2,
    begin,
    hand_in,
    rightly,
)
from training_records.archive.models import ArchiveEntry
from training_records.archive.service import entries_of, verify
from training_records.certificates.models import Certificate, CertificateTemplate
from training_records.database import make_session_factory
from training_records.ledger.models import ImportBatch, LedgerChange, Person, PersonMerge, Post

PDF = b"%PDF-1.4 attendance"
DAY = date(2026, 10, 20)


@pytest.fixture
def other(world, sign_in):
    return sign_in(world.account("district", OTHER_DISTRICT))


def work_off(app, kinds=None):
    background = jobs.Background(services_of(app).session_factory, app.config["ACADEMY"])
    return jobs.run_pending(background, kinds or KINDS)


# --- the ledger ------------------------------------------------------------------------------


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
    assert "留守困境儿童数:31 → 1" in page
    assert "婚嫁" in page and "文化程度:空 → 大专" in page and "换届" in page
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
    assert "1 个镇(街)没有儿童督导员" in office.get("/ledger/gaps").text


def test_an_import_is_undone_from_its_page(world, session, office, other):
    from tests.service.training_records.ledger.test_importer import row, workbook

    files = {"file": (io.BytesIO(workbook([row(), row("李桂英", "1380000")])), "台账.xlsx")}
    checked = office.client.post("/ledger/import", data=files, headers=office.headers)
    assert "没有入职查询日期" in checked.text
    key = checked.text.split('action="/ledger/import/')[1].split('"')[0].split("/")[0]
    assert office.form(f"/ledger/import/{key}").status_code == 422
    assert office.form(f"/ledger/import/{key}", accept="good").status_code == 302
    batch = session.scalars(select(ImportBatch)).one()
    assert (batch.name, batch.new) == ("台账.xlsx", 1)
    session.commit()
    assert other.form(f"/ledger/imports/{batch.id}/undo").status_code == 404
    assert office.form(f"/ledger/imports/{batch.id}/undo").status_code == 302
    assert session.scalar(select(Person.id)) is None
    assert "已撤销" in office.get("/ledger/import").text


def test_a_large_import_is_written_in_the_background(
    world, session, app, office, other, monkeypatch
):
    from tests.service.training_records.ledger.test_importer import row, workbook

    monkeypatch.setattr("exam_app.ledger.importing.AT_ONCE", 0)
    session.commit()

    def asked(rows, **how):
        files = {"file": (io.BytesIO(workbook(rows)), "全市.xlsx")}
        checked = office.client.post("/ledger/import", data=files, headers=office.headers)
        key = checked.text.split('action="/ledger/import/')[1].split('"')[0].split("/")[0]
        page = office.form(f"/ledger/import/{key}", **how).location
        # What was asked for can't be asked for again.
        assert office.form(f"/ledger/import/{key}", **how).status_code == 404
        return page

    rows = [row(), row("李桂英", "13800000002")]
    page = asked(rows)
    assert (
        session.scalar(select(Person.id)) is None and "导入台账:全市.xlsx" in office.get(page).text
    )
    session.commit()
    assert other.get(page).status_code == 404
    assert work_off(app) == 1
    batch = session.scalars(select(ImportBatch)).one()
    assert (batch.name, batch.new, batch.division_code) == ("全市.xlsx", 2, DISTRICT)
    logged = session.scalars(select(AuditEntry).where(AuditEntry.action == "ledger.import")).one()
    assert (logged.scope, logged.detail["new"]) == (DISTRICT, 2) and logged.request_id
    session.commit()
    assert "去看新增" in office.get(page).text
    assert not list((app.config["ACADEMY"].instance / "uploads").iterdir())
    # With faults nothing is written, unless the good ones are asked for.
    bad = [*rows, row("王五", "1380000"), row("赵六", "13800000003")]
    page = asked(bad)
    work_off(app)
    assert "有 1 处要改,没有写入" in office.get(page).text
    page = asked(bad, accept="good")
    work_off(app)
    assert "去看新增" in office.get(page).text
    assert session.scalar(select(func.count()).select_from(Person)) == 3


def test_an_import_whose_process_died_is_written_once(world, session, app, office, monkeypatch):
    from exam_app.ledger import importing
    from tests.service.training_records.ledger.test_importer import row, workbook

    monkeypatch.setattr(importing, "AT_ONCE", 0)
    session.commit()
    files = {"file": (io.BytesIO(workbook([row()])), "全市.xlsx")}
    checked = office.client.post("/ledger/import", data=files, headers=office.headers)
    key = checked.text.split('action="/ledger/import/')[1].split('"')[0].split("/")[0]
    office.form(f"/ledger/import/{key}")

    def dies(path):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(importing, "forget", dies)
        with pytest.raises(KeyboardInterrupt):
            work_off(app)
    monkeypatch.setattr(jobs, "SILENT", timedelta(0))
    assert work_off(app) == 1
    assert session.scalars(select(Job.state)).one() == "done"
    assert session.scalar(select(func.count()).select_from(Post)) == 1


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


# --- the archive -----------------------------------------------------------------------------


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
    assert "找到 2 人,有 2 行没认出" in checked.text
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
    assert office.form(url, answer="核对签到表,属实", accepted="1").status_code == 302
    assert office.form(url, answer="再来", accepted="1").status_code == 404
    assert entries_of(session, account.person_id) == []
    assert "核对签到表,属实" in api.get("/archive").text


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


# --- certificates and jobs -------------------------------------------------------------------


def issued(world, session, office, count=3):
    for _ in range(count):
        world.entry(world.person(), day=DAY)
    values = {"name": "结业证书", "heading": "培训", "prefix": "PD", "valid_months": "36"}
    office.form("/certificates/templates", body="{holder}参加“{title}”,准予结业。", **values)
    template = session.scalars(select(CertificateTemplate)).one().id
    session.commit()
    office.form("/certificates/issue", title="培训", on=DAY.isoformat(), template=template)
    return session.scalars(select(Certificate.no).order_by(Certificate.person_id)).all()


def test_certificates_are_issued_printed_and_replaced(world, session, app, office, other):
    numbers = issued(world, session, office)
    assert len(numbers) == 3
    session.commit()
    refused = other.form("/certificates/print", title="培训", on=DAY.isoformat())
    assert refused.status_code == 422
    shown = office.form("/certificates/print", title="培训", on=DAY.isoformat())
    assert work_off(app) == 1
    with pypdfium2.PdfDocument(office.get(f"{shown.location}/file").data) as made:
        assert len(made) == 3
        assert all(no in made[at].get_textpage().get_text_range() for at, no in enumerate(numbers))
    assert other.form(f"/certificates/{numbers[0]}/void", reason="x").status_code == 404
    assert office.form(f"/certificates/{numbers[0]}/void", reason="", again="1").status_code == 422
    office.form(f"/certificates/{numbers[0]}/void", reason="名字写错", again="1")
    page = app.test_client().get(f"/verify/{numbers[0]}").text
    assert "已作废" in page and "补发" in page
    new = session.scalars(select(Certificate).where(Certificate.voided_at.is_(None))).all()
    assert len(new) == 3 and numbers[0] not in {c.no for c in new}


def test_a_batch_goes_on_where_its_process_died(world, session, app, office, monkeypatch):
    numbers = issued(world, session, office)
    session.commit()
    monkeypatch.setattr("exam_app.certificates.jobs.PART", 1)
    office.form("/certificates/print", title="培训", on=DAY.isoformat())
    made = []

    def dies(work):
        real = jobs.Work.progress

        def progress(self, done, total):
            real(self, done, total)
            if done == 2:
                raise KeyboardInterrupt

        monkeypatch.setattr(jobs.Work, "progress", progress)
        return certificates_job(work)

    with pytest.raises(KeyboardInterrupt):
        work_off(app, {"certificates": dies})
    monkeypatch.undo()
    monkeypatch.setattr("exam_app.certificates.jobs.PART", 1)
    assert work_off(app) == 0  # the process may still live
    monkeypatch.setattr(jobs, "SILENT", timedelta(0))

    import exam_app.certificates.jobs as module

    real = module.certificates_pdf
    monkeypatch.setattr(module, "certificates_pdf", lambda rows: made.append(rows) or real(rows))
    assert work_off(app) == 1
    assert len(made) == 1
    job = session.scalars(select(Job)).one()
    assert (job.state, job.done, job.tries) == ("done", len(numbers), 2)


def test_a_poisoned_job_ends_in_the_list(world, session, app, office):
    job = jobs.enqueue(session, "certificates", "坏的", DISTRICT, {}, "x")
    session.commit()
    assert work_off(app) == 3
    session.expire_all()
    assert (job.state, job.tries) == ("failed", 3)
    session.commit()
    assert "三次都没有做成" in office.get(f"/jobs/{job.id}").text
    office.form(f"/jobs/{job.id}/retry")
    office.form(f"/jobs/{job.id}/cancel")
    assert work_off(app) == 0


def test_a_job_is_done_once_by_several(world, session, app, clean, office):
    issued(world, session, office)
    session.commit()
    office.form("/certificates/print", title="培训", on=DAY.isoformat())
    done, barrier = [], threading.Barrier(4)

    def work():
        barrier.wait()
        background = jobs.Background(make_session_factory(clean), app.config["ACADEMY"])
        done.append(jobs.run_pending(background, KINDS))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(done) == 1


# --- spot checks -----------------------------------------------------------------------------

people = st.lists(
    st.tuples(st.sampled_from([f"37028300{n}001" for n in range(1, 6)]), st.integers(1, 400)),
    min_size=1,
    max_size=60,
    unique_by=lambda p: p[1],
)


@example(
    [("370283001001", n) for n in (1, 4, 5, 6)] + [("370283002001", 2), ("370283003001", 3)], 3, 0
)
@given(people, st.integers(1, 40), st.integers(0, 10**6))
def test_a_sample_is_repeatable_and_spread(found, size, seed):
    chosen = sample(found, size, seed, 9)
    assert chosen == sample(list(reversed(found)), size, seed, 9)
    assert len(chosen) == len(set(chosen)) == min(size, len(found)) and set(chosen) <= set(found)
    groups = {code[:9] for code, _ in found}
    if size >= len(groups):
        for group in groups:
            own = sum(code[:9] == group for code, _ in found)
            drawn = sum(code[:9] == group for code, _ in chosen)
            exact = len(chosen) * own / len(found)
            assert drawn >= min(1, own) and drawn >= int(exact) - len(groups)


def test_a_spot_check_from_draw_to_mending(world, session, office, other):
    for code in (VILLAGE, VILLAGE_2, VILLAGE):
        world.person(code)
    world.person(OTHER_VILLAGE)
    session.commit()
    due = (date.today() + timedelta(days=30)).isoformat()
    assert office.form("/spot", size="0", seed="7", due=due).status_code == 422
    assert office.form("/spot", size="2", seed="7", due="2020-01-01").status_code == 422
    shown = office.form("/spot", size="2", seed="7", due=due).location
    check = session.scalars(select(SpotCheck)).one()
    first, second = [item.person_id for item in check.items]
    session.commit()
    assert other.get(shown).status_code == 404
    assert "种子 7" in office.get(shown).text
    yes = dict.fromkeys(QUESTIONS, "yes")
    assert office.form(f"{shown}/{first}", **yes).status_code == 302
    assert "还没有选" in office.form(f"{shown}/{second}", posts="yes").text
    wrong = {**yes, "hours": "no"}
    assert "写明问题" in office.form(f"{shown}/{second}", **wrong).text
    office.form(f"{shown}/{second}", **wrong, finding="签到表少一页")
    assert "要整改 1 份" in office.get(shown).text
    office.form(f"{shown}/{second}", again="已补齐")
    session.expire_all()
    states = dict(session.execute(select(SpotItem.person_id, SpotItem.state)).all())
    assert states == {first: "fine", second: "mended"}
    session.commit()
    again = office.form("/spot", size="2", seed="7", due=due).location
    checks = session.scalars(select(SpotCheck).order_by(SpotCheck.id)).all()
    assert again != shown
    assert [i.person_id for i in checks[0].items] == [i.person_id for i in checks[1].items]


def test_leave_by_page(world, sign_in, office, other, session):
    person = world.person(VILLAGE)
    url = f"/ledger/people/{person.id}"
    answer = office.form(f"{url}/absence", kind="birth", start="2026-03-01", end="2026-03-09")
    assert answer.status_code == 422 and "不满 30 天" in answer.text
    assert office.form(f"{url}/absence", kind="birth", start="2026-03-01").status_code == 302
    assert "还没回来" in office.get(url).text
    assert office.form(f"{url}/absence", absence="1", end="2026-06-10").status_code == 302
    page = office.get(url).text
    assert "2026年6月10日" in page and "请假最后一天:空 → 2026-06-10" in page
    assert "登记请假" not in sign_in(world.account("supervisor", TOWN)).get(url).text
    assert other.form(f"{url}/absence", absence="1", remove="1", reason="x").status_code == 404
    assert office.form(f"{url}/absence", absence="9", end="2026-06-10").status_code == 404
    office.form(f"{url}/absence", absence="1", remove="1", reason="记错了人")
    assert "没有记过请假" in office.get(url).text
