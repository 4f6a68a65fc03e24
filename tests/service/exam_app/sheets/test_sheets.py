"""Exams on paper: from the sheet's print to the archive."""

from __future__ import annotations

import io
import json
import tempfile
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from flask import Flask
from PIL import Image
from pypdf import PdfReader
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exam_app.cli import cli
from exam_app.config import load_config
from exam_app.core.background import Background
from exam_app.exams import invigilation
from exam_app.exams.models import Answer, Attempt, Exam
from exam_app.exams.saving import Saver
from exam_app.exams.slots import slots
from exam_app.jobs.service import Work, run_pending
from exam_app.sheets import reader, service
from exam_app.sheets.models import AnswerSheet, ScanFile, ScanPage
from exam_app.sheets.printing import booklet_pdf, print_sheets
from exam_app.sheets.reading import flatten
from harness.camera import Camera, clean_print
from question_bank import Blueprint
from tests.factories import (
    CITY,
    DISTRICT,
    OTHER_DISTRICT,
    OTHER_VILLAGE,
    SKIP,
    TOWN,
    VILLAGE_2,
    ZONE,
    World,
    answer,
    begin,
    hand_in,
    rightly,
)
from tests.paper import as_jpeg, as_pdf, filled
from training_records.archive.models import ArchiveEntry
from training_records.database import make_engine, make_session_factory, now
from training_records.divisions import prefix_of
from training_records.errors import NotFound, Refused
from training_records.ledger.models import Person

PREFIX = prefix_of(DISTRICT)


class Office:
    """A signed-in office's browser."""

    def __init__(self, api: Any, session: Session) -> None:
        self.api, self.session = api, session

    def get(self, path: str) -> Any:
        # The test's own session must not hold the only writer of SQLite.
        self.session.commit()
        return self.api.client.get(path)

    def post(self, path: str, values: dict[str, Any]) -> Any:
        self.session.commit()
        return self.api.client.post(
            path, data=values, headers=self.api.headers, follow_redirects=True
        )


@pytest.fixture
def client_for(sign_in: Any, session: Session) -> Any:
    return lambda account: Office(sign_in(account), session)


def sheet_for(session: Session, exam: Exam, *people: Person) -> list[AnswerSheet]:
    made, refused = service.make_sheets(session, exam, people, actor="office")
    assert not refused
    session.commit()
    return made


def behind(session: Session) -> Background:
    config = load_config({}, instance=Path(tempfile.mkdtemp()))
    return Background(make_session_factory(session.get_bind().engine), config)


def read_all(session: Session) -> int:
    return run_pending(behind(session), {"scans": reader.scans_job})


def scan(session: Session, exam: Exam, data: bytes, division: str = DISTRICT) -> ScanFile:
    file = service.hand_over(session, exam, division, name="扫描.pdf", data=data, actor="office")
    reader.ask_reading(session, file)
    session.commit()
    read_all(session)
    session.expire_all()
    return file


def states(session: Session, exam: Exam, prefix: str = PREFIX) -> list[str]:
    return [one.state for one in service.standings(session, exam, prefix)]


def copy_out(session: Session, sheet: AnswerSheet) -> None:
    """What a clerk does: types the handwritten words."""
    places = {place.id: place for place in slots(sheet.form)}
    doubts = [slot for slot, e in service.entries_of(session, sheet).items() if e.doubt]
    assert {places[slot].question.type for slot in doubts} == {"fill"}
    service.settle(session, sheet, {slot: rightly(places[slot]) for slot in doubts}, actor="clerk")
    session.commit()


def held(session: Session, exam: Exam) -> tuple[int, list[tuple[Person, str]]]:
    done = service.score(
        session, exam, PREFIX, held_on=now().astimezone(ZONE).date(), actor="office", zone=ZONE
    )
    session.commit()
    return done


def test_from_print_to_archive_like_on_a_phone(
    session: Session, world: World, saver: Saver
) -> None:
    exam = world.exam(blueprint="annual", kind="annual")
    one, two = world.person(), world.person(VILLAGE_2)
    (sheet,) = sheet_for(session, exam, one)
    assert states(session, exam) == ["waiting"]
    camera = Camera(turn=3, perspective=0.03, shadow=0.3, noise=6, scale=8)
    scan(session, exam, as_pdf(filled(sheet, rightly, camera=camera)))
    assert states(session, exam) == ["doubts"]
    copy_out(session, sheet)
    assert states(session, exam) == ["ready"]
    assert held(session, exam) == (1, [])
    assert states(session, exam) == ["scored"]
    paper = session.get_one(Attempt, sheet.attempt_id)
    phone = hand_in(session, saver, begin(session, exam, two), rightly)
    assert (paper.state, paper.score, paper.passed) == (phone.state, phone.score, phone.passed)
    assert paper.score == paper.max_score and paper.on_paper and not phone.on_paper
    forms = {
        person: session.scalars(
            select(ArchiveEntry.form).where(
                ArchiveEntry.person_id == person, ArchiveEntry.kind == "exam"
            )
        ).one()
        for person in (one.id, two.id)
    }
    assert forms == {one.id: "纸质考试", two.id: "线上考试"}


def test_a_wrong_mark_is_a_wrong_answer(session: Session, world: World) -> None:
    exam = world.exam()
    (sheet,) = sheet_for(session, exam, world.person())
    singles = [p.id for p in slots(sheet.form) if p.question.type == "single"]

    def choose(place: Any) -> Any:
        if place.id == singles[0]:
            return next(k for k in place.question.options if k != place.question.key)
        return SKIP if place.id == singles[1] else rightly(place)

    scan(session, exam, as_pdf(filled(sheet, choose)))
    entries = service.entries_of(session, sheet)
    assert entries[singles[0]].response == choose(
        next(p for p in slots(sheet.form) if p.id == singles[0])
    )
    assert entries[singles[1]].response is None and entries[singles[1]].doubt is None
    for place in slots(sheet.form):
        if place.question.type not in ("fill", "short_answer") and place.id not in singles[:2]:
            assert entries[place.id].response == rightly(place)


def test_a_large_sheet_of_several_pages_in_any_order(session: Session, world: World) -> None:
    exam, person = world.exam(blueprint="annual", kind="annual"), world.person()
    invigilation.grant(
        session,
        exam,
        person,
        extra_minutes=0,
        large_print=True,
        reason="看不清小字",
        actor="office",
    )
    session.commit()
    (sheet,) = sheet_for(session, exam, person)
    assert sheet.large and len(service.pages_of(sheet)) > 1
    first, *rest = filled(sheet, rightly)
    for picture in rest:
        scan(session, exam, as_jpeg(picture))
    (standing,) = service.standings(session, exam, PREFIX)
    assert (standing.state, standing.missing) == ("part", (1,))
    scan(session, exam, as_jpeg(first))
    copy_out(session, sheet)
    assert held(session, exam) == (1, [])


def test_everything_by_hand_without_a_scan(session: Session, world: World) -> None:
    exam = world.exam()
    (sheet,) = sheet_for(session, exam, world.person())
    service.settle(session, sheet, {p.id: rightly(p) for p in slots(sheet.form)}, actor="clerk")
    session.commit()
    assert held(session, exam) == (1, [])
    attempt = session.get_one(Attempt, sheet.attempt_id)
    assert attempt.score == attempt.max_score and attempt.state == "released"


def test_the_same_page_twice_changes_nothing_two_different_ones_ask(
    session: Session, world: World
) -> None:
    exam = world.exam()
    (sheet,) = sheet_for(session, exam, world.person())
    data = as_pdf(filled(sheet, rightly))
    scan(session, exam, data)
    before = {s: (e.response, e.doubt) for s, e in service.entries_of(session, sheet).items()}
    scan(session, exam, data)
    session.expire_all()
    assert {
        s: (e.response, e.doubt) for s, e in service.entries_of(session, sheet).items()
    } == before
    slot = next(p.id for p in slots(sheet.form) if p.question.type == "single")

    def other(place: Any) -> Any:
        if place.id != slot:
            return rightly(place)
        return next(k for k in place.question.options if k != place.question.key)

    scan(session, exam, as_pdf(filled(sheet, other)))
    session.expire_all()
    assert service.entries_of(session, sheet)[slot].doubt == "different"
    for stored in ("different", "两次扫描读的不一样"):
        service.entries_of(session, sheet)[slot].doubt = stored
        session.commit()
        # Also a third scan like the second doesn't decide it.
        scan(session, exam, as_pdf(filled(sheet, other)))
        session.expire_all()
        assert service.entries_of(session, sheet)[slot].doubt == stored
        assert service.doubt_label(stored) == "两次扫描读的不一样"
    assert service.doubt_label(service.COPY_IT) == service.COPY_IT


def test_what_a_person_entered_stays(session: Session, world: World) -> None:
    exam = world.exam()
    (sheet,) = sheet_for(session, exam, world.person())
    slot = next(p.id for p in slots(sheet.form) if p.question.type == "single")
    service.settle(session, sheet, {slot: None}, actor="clerk")
    session.commit()
    scan(session, exam, as_pdf(filled(sheet, rightly)))
    assert service.entries_of(session, sheet)[slot].response is None


def test_scored_once_and_closed_afterwards(session: Session, world: World) -> None:
    exam = world.exam()
    (sheet,) = sheet_for(session, exam, world.person())
    data = as_pdf(filled(sheet, rightly))
    service.settle(session, sheet, {p.id: rightly(p) for p in slots(sheet.form)}, actor="clerk")
    session.commit()
    assert held(session, exam) == (1, [])
    assert held(session, exam) == (0, [])
    assert session.scalar(select(func.count()).select_from(Attempt)) == 1
    with pytest.raises(Refused, match="已经计分"):
        service.settle(session, sheet, {"1": None}, actor="clerk")
    scan(session, exam, data)
    (page,) = service.problems(session, exam, PREFIX)
    assert "已经计分" in str(page.problem)


def test_who_gets_no_sheet_and_whose_can_not_be_scored(
    session: Session, world: World, saver: Saver
) -> None:
    exam = world.exam(attempts_allowed=1)
    passed, running, free = world.person(), world.person(), world.person()
    hand_in(session, saver, begin(session, exam, passed), rightly)
    made, refused = service.make_sheets(session, exam, [passed, running, free], actor="office")
    session.commit()
    assert [s.person_id for s in made] == [running.id, free.id]
    assert [(p.id, why) for p, why in refused] == [(passed.id, "您已经考试合格，不用再考")]
    again, refused = service.make_sheets(session, exam, [free], actor="office")
    assert not again and "没用过" in refused[0][1]
    for sheet in made:
        service.settle(session, sheet, {p.id: rightly(p) for p in slots(sheet.form)}, actor="clerk")
    session.commit()
    attempt = begin(session, exam, running)
    done, refused = held(session, exam)
    assert done == 1 and [(p.id, "正在手机上考" in why) for p, why in refused] == [
        (running.id, True)
    ]
    answer(session, saver, attempt, rightly)
    session.refresh(attempt)
    assert attempt.state == "in_progress"


def test_the_day_has_to_be_one_of_the_exam(session: Session, world: World) -> None:
    exam = world.exam()
    with pytest.raises(Refused, match="考试日期要在"):
        service.score(
            session,
            exam,
            PREFIX,
            held_on=now().date() + timedelta(days=9),
            actor="office",
            zone=ZONE,
        )


def test_answers_that_are_none_are_refused_as_a_whole(session: Session, world: World) -> None:
    exam = world.exam()
    (sheet,) = sheet_for(session, exam, world.person())
    one, two = [p.id for p in slots(sheet.form) if p.question.type == "single"][:2]
    with pytest.raises(Refused, match=f"第 {two} 题"):
        service.settle(session, sheet, {one: "A", two: "Z"}, actor="clerk")
    assert not service.entries_of(session, sheet)
    with pytest.raises(Refused, match="没有第 99 题"):
        service.settle(session, sheet, {"99": "A"}, actor="clerk")


# --- Whose and where ----------------------------------------------------------------------------


def test_sheets_of_others_are_not_there(session: Session, world: World) -> None:
    exam, foreign = world.exam(), world.exam(title="另一场", seed=2)
    mine, theirs = world.person(), world.person(OTHER_VILLAGE)
    (sheet,) = sheet_for(session, exam, mine)
    (their,) = sheet_for(session, exam, theirs)
    (elsewhere,) = sheet_for(session, foreign, mine)
    assert len(service.standings(session, exam, PREFIX)) == 1
    assert len(service.standings(session, exam, prefix_of(CITY))) == 2
    with pytest.raises(NotFound):
        service.sheet_within(session, exam, PREFIX, sheet_id=their.id)
    with pytest.raises(NotFound):
        service.sheet_by_code(session, exam, PREFIX, code=their.code)
    assert service.sheet_by_code(session, exam, PREFIX, code=sheet.code.lower()).id == sheet.id
    # Their sheet in our pile, and a sheet of another exam: noted, nothing entered.
    scan(session, exam, as_pdf(filled(their, rightly) + filled(elsewhere, rightly)))
    told = [str(page.problem) for page in service.problems(session, exam, PREFIX)]
    assert "不归您管理" in told[0] and "“另一场”的答题卡" in told[1]
    assert not service.entries_of(session, their) and not service.entries_of(session, elsewhere)
    other = prefix_of(OTHER_DISTRICT)
    assert not service.problems(session, exam, other)
    page = service.problems(session, exam, PREFIX)[0]
    with pytest.raises(NotFound):
        service.page_within(session, exam, other, page_id=page.id)


def test_people_to_print_for(session: Session, world: World) -> None:
    exam = world.exam()
    one, two = world.person(name="王秀兰"), world.person(VILLAGE_2, name="李桂芳")
    gone = world.person(name="走了的")
    twin = world.person(name="李桂芳")
    world.person(OTHER_VILLAGE)
    session.scalars(select(Person)).all()
    post = session.scalars(select(service.Post).where(service.Post.person_id == gone.id)).one()
    post.end = now().date() - timedelta(days=30)
    session.commit()
    found = service.people_for(session, exam, PREFIX, division=TOWN, who="")
    assert {p.id for p in found} == {one.id, two.id, twin.id}
    chosen = service.people_for(
        session, exam, PREFIX, division=TOWN, who=f" 王秀兰 \n\n{two.phone}\n"
    )
    assert {p.id for p in chosen} == {one.id, two.id}
    with pytest.raises(Refused, match=r"2 行要改：李桂芳（同名.*没有的人（找不到"):
        service.people_for(session, exam, PREFIX, division=TOWN, who="李桂芳\n没有的人")
    with pytest.raises(Refused, match="不归您管理"):
        service.people_for(session, exam, PREFIX, division=OTHER_DISTRICT, who="")


# --- Files --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", b"%PDF-1.7 but no more", b"\xff\xd8\xff\xe0 no picture", b"PK\x03\x04" * 9],
)
def test_files_that_are_none(session: Session, world: World, data: bytes) -> None:
    with pytest.raises(Refused, match="打不开这个文件"):
        service.hand_over(session, world.exam(), DISTRICT, name="x", data=data, actor="office")


def test_a_page_that_is_none_stops_no_other(session: Session, world: World) -> None:
    exam = world.exam()
    (sheet,) = sheet_for(session, exam, world.person())
    blank = np.full((1500, 1000), 255, np.uint8)
    file = scan(session, exam, as_pdf([blank, *filled(sheet, rightly), blank]))
    assert (file.read, file.pages, file.data) == (3, 3, None)
    assert [page.number for page in service.problems(session, exam, PREFIX)] == [1, 3]
    assert states(session, exam) == ["doubts"]


def test_a_reader_that_died_is_followed_by_another(
    session: Session, world: World, monkeypatch
) -> None:
    exam = world.exam()
    sheets = sheet_for(session, exam, world.person(), world.person())
    images = [picture for sheet in sheets for picture in filled(sheet, rightly)]
    file = service.hand_over(session, exam, DISTRICT, name="x", data=as_pdf(images), actor="office")
    reader.ask_reading(session, file)
    session.commit()
    progress = Work.progress

    def dies(work: Work, done: int, total: int) -> None:
        progress(work, done, total)
        if done:
            raise KeyboardInterrupt

    monkeypatch.setattr(Work, "progress", dies)
    with pytest.raises(KeyboardInterrupt):
        read_all(session)
    monkeypatch.setattr(Work, "progress", progress)
    assert read_all(session) == 0  # it may still live
    monkeypatch.setattr("exam_app.jobs.service.SILENT", timedelta(0))
    assert read_all(session) == 1
    session.expire_all()
    assert (file.read, file.data) == (2, None)
    assert session.scalar(select(func.count()).select_from(ScanPage)) == 2
    assert states(session, exam) == ["doubts", "doubts"]


def test_what_an_older_version_took_in_is_read(session: Session, world: World) -> None:
    exam = world.exam()
    (sheet,) = sheet_for(session, exam, world.person())
    file = service.hand_over(
        session, exam, DISTRICT, name="x", data=as_pdf(filled(sheet, rightly)), actor="office"
    )
    session.commit()
    assert reader.adopt(behind(session)) == 0  # it may still be read
    file.uploaded_at = now() - reader.SILENT - timedelta(seconds=1)
    session.commit()
    assert [reader.adopt(behind(session)) for _ in range(2)] == [1, 0]
    assert read_all(session) == 1
    session.expire_all()
    assert states(session, exam) == ["doubts"]


def test_several_readers_read_each_page_once(session: Session, world: World) -> None:
    exam = world.exam()
    sheets = sheet_for(session, exam, *(world.person() for _ in range(4)))
    for sheet in sheets:
        data = as_pdf(filled(sheet, rightly))
        reader.ask_reading(
            session, service.hand_over(session, exam, DISTRICT, name="x", data=data, actor="office")
        )
    session.commit()
    counts: list[int] = []
    threads = [threading.Thread(target=lambda: counts.append(read_all(session))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    session.expire_all()
    assert sum(counts) == 4 and session.scalar(select(func.count()).select_from(ScanPage)) == 4
    assert states(session, exam) == ["doubts"] * 4


# --- Print --------------------------------------------------------------------------------------


def test_booklets_hold_every_question_and_no_key(session: Session, world: World) -> None:
    exam = world.exam(blueprint="annual", kind="annual", forms=2)
    rules = Blueprint.model_validate(exam.blueprint)
    for form in exam.forms:
        for large in (False, True):
            data = booklet_pdf(
                exam.title,
                form.number,
                slots(form),
                blueprint=rules,
                minutes=exam.minutes,
                large=large,
            )
            text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)
            flat = "".join(text.split())
            assert f"第{form.number}套" in flat and ("大字版" in flat) == large
            for place in slots(form):
                assert "".join(place.question.stem.split())[:8] in flat
            for place in slots(form):
                if len(place.question.explanation) > 12:
                    assert "".join(place.question.explanation.split())[:12] not in flat


def test_the_qr_says_nothing_about_the_person(session: Session, world: World) -> None:
    exam, person = world.exam(), world.person(name="王秀兰")
    (sheet,) = sheet_for(session, exam, person)
    data = print_sheets(exam.title, [sheet], {person.id: "云桥镇前河村"})
    text = PdfReader(io.BytesIO(data)).pages[0].extract_text()
    assert "王秀兰" in text and sheet.code in text and person.phone not in text
    flat = flatten(clean_print(data)[0])
    assert (flat.code, flat.page) == (sheet.code, 1)


# --- Pages --------------------------------------------------------------------------------------


def test_the_office_prints_scans_looks_and_scores(
    app: Flask, session: Session, world: World, client_for: Any
) -> None:
    exam, person = world.exam(), world.person(name="王秀兰")
    office = client_for(world.account("district", DISTRICT))
    base = f"/exams/manage/{exam.id}/paper"
    assert "印试卷和答题卡" in office.get(base).text
    assert "没有要印的" in office.get(f"{base}/sheets.pdf").text
    office.post(f"{base}/make", {"division": TOWN, "who": "王秀兰"})
    sheet = session.scalars(select(AnswerSheet)).one()
    pdf = office.get(f"{base}/sheets.pdf")
    assert pdf.status_code == 200 and len(PdfReader(io.BytesIO(pdf.data)).pages) == 1
    booklet = office.get(f"{base}/booklet-{sheet.form.number}.pdf?large=1")
    assert booklet.data.startswith(b"%PDF")
    assert office.get(f"{base}/booklet-9.pdf").status_code == 404
    pictures = filled(sheet, rightly)
    session.commit()
    answer = office.post(
        f"{base}/scans",
        {"scans": [(io.BytesIO(as_pdf(pictures)), "卡.pdf"), (io.BytesIO(b"?"), "坏.pdf")]},
    )
    assert (
        "收到 1 页" in answer.text and "“坏.pdf”没有收下" in answer.text and "正在读" in answer.text
    )
    read_all(session)
    page = office.get(base).text
    assert "有 1 张要您看一眼" in page and "正在读" not in page
    entry = office.get(f"{base}/{sheet.id}").text
    session.expire_all()
    doubts = [s for s, e in service.entries_of(session, sheet).items() if e.doubt]
    places = {p.id: p for p in slots(sheet.form)}
    session.commit()
    assert all(f"第 {slot} 题（" in entry for slot in doubts)
    for stored in ("different", "两次扫描读的不一样"):
        service.entries_of(session, sheet)[doubts[0]].doubt = stored
        session.commit()
        entry = office.get(f"{base}/{sheet.id}").text
        assert ">两次扫描读的不一样<" in entry and ">different<" not in entry
    crop = office.get(f"{base}/{sheet.id}/crop-{doubts[0]}.jpg")
    assert Image.open(io.BytesIO(crop.data)).width > 100
    form: dict[str, Any] = {"slot": doubts}
    form.update({f"s{slot}": rightly(places[slot]) for slot in doubts})
    assert "记下了" in office.post(f"{base}/{sheet.id}", form).text
    today = now().astimezone(ZONE).date()
    assert "计分 1 张" in office.post(f"{base}/score", {"held_on": str(today)}).text
    session.expire_all()
    attempt = session.scalars(select(Attempt)).one()
    assert attempt.person_id == person.id and attempt.score == attempt.max_score
    saved = session.scalars(select(Answer).where(Answer.attempt_id == attempt.id)).all()
    assert {a.slot for a in saved} == set(places)
    assert "已经计分" in office.get(f"{base}/{sheet.id}?all=1").text


def test_every_kind_of_question_can_be_typed_in(
    session: Session, world: World, client_for: Any
) -> None:
    exam = world.exam(blueprint="annual", kind="annual")
    (sheet,) = sheet_for(session, exam, world.person())
    office = client_for(world.account("district", DISTRICT))
    form: dict[str, Any] = {"slot": []}
    for place in slots(sheet.form):
        name, right = f"s{place.id}", rightly(place)
        form["slot"].append(place.id)
        if place.question.type == "match":
            form.update({f"{name}-{left}": str(number) for left, number in right.items()})
        elif place.question.type == "true_false":
            form[name] = "true" if right else "false"
        else:
            form[name] = right
    session.commit()
    office.post(f"/exams/manage/{exam.id}/paper/{sheet.id}?all=1", form)
    session.expire_all()
    assert {s: e.response for s, e in service.entries_of(session, sheet).items()} == {
        place.id: rightly(place) for place in slots(sheet.form)
    }


def test_a_page_without_its_code_is_read_by_the_typed_one(
    session: Session, world: World, app: Flask, client_for: Any
) -> None:
    exam = world.exam()
    (sheet,) = sheet_for(session, exam, world.person())
    (picture,) = filled(sheet, rightly)
    picture[180:460, 1600:1900] = 255
    office = client_for(world.account("district", DISTRICT))
    scan(session, exam, as_pdf([picture]))
    page = service.problems(session, exam, PREFIX)[0].id
    session.commit()
    base = f"/exams/manage/{exam.id}/paper"
    assert Image.open(io.BytesIO(office.get(f"{base}/page-{page}.jpg").data)).width > 500
    assert "没有这张答题卡" in office.post(f"{base}/page-{page}", {"code": "ZZZZZZZZZZ"}).text
    assert "认到" in office.post(f"{base}/page-{page}", {"code": sheet.code, "page": "1"}).text
    session.expire_all()
    assert states(session, exam) == ["doubts"]
    assert not service.problems(session, exam, PREFIX)


def test_another_office_sees_none_of_it(
    session: Session, world: World, app: Flask, client_for: Any
) -> None:
    exam = world.exam()
    (sheet,) = sheet_for(session, exam, world.person(name="王秀兰"))
    scan(session, exam, as_pdf([*filled(sheet, rightly), np.full((900, 700), 255, np.uint8)]))
    page = session.scalars(select(ScanPage.id).order_by(ScanPage.id)).all()
    session.commit()
    other = client_for(world.account("district", OTHER_DISTRICT))
    base = f"/exams/manage/{exam.id}/paper"
    text = other.get(base).text
    assert "王秀兰" not in text and sheet.code not in text and "没有用上" not in text
    for path in (
        f"{base}/{sheet.id}",
        f"{base}/{sheet.id}.pdf",
        f"{base}/{sheet.id}/crop-1.jpg",
        *(f"{base}/page-{number}.jpg" for number in page),
    ):
        assert other.get(path).status_code == 404, path
    assert "没有这张答题卡" in other.post(f"{base}/find", {"code": sheet.code}).text


# --- The command line ---------------------------------------------------------------------------


def test_printed_and_scanned_by_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACADEMY_INSTANCE", str(tmp_path))
    run = CliRunner().invoke
    assert run(cli, ["demo", "--people", "30", "--no-serve", "--json"]).exit_code == 0
    with make_session_factory(make_engine(f"sqlite:///{tmp_path / 'academy.db'}"))() as session:
        phones = session.scalars(
            select(Person.phone)
            .join(service.Post, service.Post.person_id == Person.id)
            .where(service.Post.end.is_(None), service.Post.role == "director")
            .order_by(Person.id)
            .limit(3)
        ).all()
    out, who = tmp_path / "印", ["--who", ",".join(map(str, phones))]
    made = run(cli, ["exam", "sheets", "1", *who, "--out", str(out), "--json"])
    told = json.loads(made.stdout)
    assert told["made"] == 3 and "答题卡.pdf" in told["files"]
    again = run(cli, ["exam", "sheets", "1", *who, "--out", str(out), "--json"])
    assert json.loads(again.stdout)["refused"] == 3
    assert {path.name for path in out.iterdir()} == set(told["files"])
    # Nobody has filled in anything: all is read as empty.
    scanned = run(cli, ["exam", "scan", "1", str(out / "答题卡.pdf"), "--json"])
    told_back = json.loads(scanned.stdout)
    assert told_back["pages"] >= told["made"] and not told_back["unused"]
    assert told_back["sheets"] == {"ready": told["made"]}
    assert "没有编号为 99" in str(
        run(cli, ["exam", "scan", "99", str(out / "答题卡.pdf")]).exception
    )
