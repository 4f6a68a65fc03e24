"""Honest hours: what counts as study time and what does not; courses of trainers; recordings."""

from __future__ import annotations

import io
import re
import tempfile
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from exam_app.learn import study
from exam_app.learn.models import StudyWindow, UnitProgress
from tests.factories import (
    CITY,
    DISTRICT,
    OTHER_VILLAGE,
    TOWN,
    VILLAGE,
    ZONE,
    mp3,
    right_form,
)
from tests.factories import study as finish_course
from training_records.archive.models import ArchiveEntry
from training_records.errors import NotFound
from training_records.facts.courses import Media, Unit
from training_records.facts.loading import load_facts

UNIT = Unit(id="u", title="读", minutes=20, text="读一读")
FILM = Unit(id="u", title="看", minutes=1, media=Media(kind="video", file="a" * 64, seconds=600))


class Desk:
    """A person before a page, and a clock that the test moves."""

    def __init__(self, session, person, clock, monkeypatch, unit=UNIT):
        self.session, self.person, self.unit, self.clock = session, person, unit, clock
        # Nobody is asked for a word unless the test is about that.
        monkeypatch.setattr(study, "ASK", (600.0, 600.0))
        self.window = self.open()

    def open(self):
        _, window = study.open_window(self.session, self.person.id, "c", unit_id="u")
        self.session.commit()
        return window.id

    def beat(self, after=20.0, *, seen=True, word=None, at=None, window=None):
        self.clock.at += timedelta(seconds=after)
        answer = study.beat(
            self.session,
            self.person.id,
            window or self.window,
            seen=seen,
            word=word,
            at=at,
            unit=self.unit,
            zone=ZONE,
        )
        self.session.commit()
        return answer

    @property
    def row(self):
        return self.session.get_one(UnitProgress, (self.person.id, "c", "u"))


@pytest.fixture
def desk(session, world, clock, monkeypatch):
    return Desk(session, world.person(), clock, monkeypatch)


def test_reading_counts_as_long_as_it_takes(desk):
    for number in range(1, 4):
        assert desk.beat().seconds == 20 * number
    assert study.left(desk.row, UNIT, 1.0) == 600 - 60
    for _ in range(27):
        desk.beat()
    assert study.left(desk.row, UNIT, 1.0) == 0
    assert study.left(desk.row, UNIT, 0) == 0


def test_a_hidden_page_does_not_count(desk):
    desk.beat()
    assert desk.beat(10, seen=False).seconds == 30
    for _ in range(20):
        desk.beat(seen=False)
    assert desk.beat(20).seconds == 30
    assert desk.beat(20).seconds == 50


def test_beats_in_quick_succession_add_no_more_than_the_clock(desk):
    for _ in range(500):
        desk.beat(0.01)
    assert desk.beat(0.01).seconds == 5


def test_a_gap_does_not_count(desk):
    desk.beat()
    assert desk.beat(3600).seconds == 20
    assert desk.beat(20).seconds == 40


def test_two_windows_count_once(desk):
    second = desk.open()
    for _ in range(6):
        assert desk.beat(10, window=second).state == "counting"
        assert desk.beat(10).state == "elsewhere"
    assert desk.row.ms == 6 * 20_000 - 10_000


def test_nobody_beats_for_somebody_else(desk, world):
    other = world.person()
    desk.session.commit()
    mine, desk.person = desk.person, other
    with pytest.raises(NotFound):
        desk.beat()
    desk.person = mine


def test_scripted_beats_stop_at_the_word(desk, monkeypatch):
    monkeypatch.setattr(study, "ASK", (1.0, 1.0))
    desk.window = desk.open()
    answers = [desk.beat() for _ in range(60)]
    assert {a.state for a in answers[3:]} == {"asked"} and answers[-1].seconds == 60
    assert answers[-1].word in answers[-1].words and len(set(answers[-1].words)) == 3
    # A wrong word changes nothing; the right one, too late, lets time go on from now.
    assert desk.beat(word="不对").state == "asked"
    assert desk.beat(word=answers[-1].word).seconds == 60
    assert desk.beat().seconds == 80


def test_the_right_word_in_time_loses_nothing(desk, monkeypatch):
    monkeypatch.setattr(study, "ASK", (1.0, 1.0))
    desk.window = desk.open()
    word = [desk.beat() for _ in range(3)][-1].word
    assert desk.beat(15, word=word).seconds == 75


def test_a_day_has_an_end(desk):
    limit = int(study.MAX_A_DAY.total_seconds())
    while desk.row.ms < limit * 1000:
        desk.beat(45)
    assert desk.beat(45).state == "full"
    assert desk.row.ms == limit * 1000


def test_a_recording_is_played_not_skipped(session, world, clock, monkeypatch):
    desk = Desk(session, world.person(), clock, monkeypatch, FILM)
    desk.beat(at=20)
    # Seeking ahead counts neither then nor at the end.
    desk.beat(at=580)
    desk.beat(at=600)
    assert desk.row.watched == [[0, 20], [580, 600]]
    assert study.unplayed(desk.row, FILM, 1.0) == 500
    desk.beat(at=20)
    for second in range(50, 600, 30):
        desk.beat(at=second)
    assert study.unplayed(desk.row, FILM, 1.0) == 0
    assert desk.row.position == 590


def test_twice_the_speed_does_not_count(session, world, clock, monkeypatch):
    desk = Desk(session, world.person(), clock, monkeypatch, FILM)
    for second in range(40, 600, 40):
        desk.beat(at=second)
    assert desk.row.watched is None


def test_beats_over_http(world, sign_in, session, clock):
    api = sign_in(world.account("director", VILLAGE))
    course = load_facts().courses[0]
    page = api.get(f"/learn/{course.id}/{course.units[0].id}").text
    window = int(re.search(r'data-window="(\d+)"', page)[1])
    answer = api.post("/learn/beat", {"window": window, "seen": True})
    assert answer.status_code == 200 and answer.json["state"] == "counting"
    for odd in ({}, [], {"window": "x"}, {"window": 2**63}, {"window": True}, {"window": -1}):
        assert api.post("/learn/beat", odd).status_code == 404
    # The time asked for is the server's: what a phone says about it is not looked at.
    for odd in ("NaN", -5, 10**9, None, [1]):
        assert api.post("/learn/beat", {"window": window, "seen": True, "at": odd, "ms": 10**9})
    session.expire_all()
    assert session.get_one(StudyWindow, window).ms == 0
    assert "学习时间记录" in api.get("/learn/log").text


def test_the_log_is_seen_by_its_person_and_their_office(world, sign_in):
    person = world.person()
    own = sign_in(world.account("director", VILLAGE, person))
    other = sign_in(world.account("director", VILLAGE))
    foreign = sign_in(world.account("supervisor", "370281001000"))
    path = f"/learn/log/{person.id}"
    assert own.get(path).status_code == 200
    assert sign_in(world.account("district", DISTRICT)).get(path).status_code == 200
    assert other.get(path).status_code == foreign.get(path).status_code == 404


def test_a_failed_quiz_asks_other_questions_and_keeps_the_time(world, sign_in, session):
    account = world.account("director", VILLAGE)
    api, course = sign_in(account), load_facts().courses[0]
    unit = course.units[0]
    path = f"/learn/{course.id}/{unit.id}"
    form = right_form(api.get(path).text)
    wrong = {"item": form["item"]}
    assert "小测还没过" in api.form(path, **wrong).text
    again = right_form(api.get(path).text)
    assert again["item"] != form["item"]
    # The right answers to the questions before are answers to other questions.
    api.form(path, **form)
    row = session.get_one(UnitProgress, (account.person_id, course.id, unit.id))
    assert row.done_at is None and row.tries == 1
    session.commit()
    api.form(path, **again)
    session.expire_all()
    assert row.done_at is not None


def test_a_quiz_asks_nothing_of_an_open_exam(world, sign_in):
    exam = world.exam()
    reserved = {item["id"] for item in exam.forms[0].items}
    api, course = sign_in(world.account("director", VILLAGE)), load_facts().courses[0]
    asked: set[str] = set()
    for unit in course.units:
        asked |= set(right_form(api.get(f"/learn/{course.id}/{unit.id}").text)["item"])
    assert asked and not reserved & asked


def test_time_is_asked_for_before_the_quiz(world, sign_in, app):
    from dataclasses import replace

    app.config["ACADEMY"] = replace(app.config["ACADEMY"], study_pace=1.0)
    api, course = sign_in(world.account("director", VILLAGE)), load_facts().courses[0]
    path = f"/learn/{course.id}/{course.units[0].id}"
    assert "还要学 21 分钟" in api.get(path).text
    answer = api.form(path, **right_form(api.get(path).text))
    assert "再学 21 分钟" in api.get(answer.location).text


def test_a_course_waits_for_those_before_it(world, sign_in):
    api = sign_in(world.account("director", VILLAGE))
    courses = {c.id: c for c in load_facts().courses}
    annual = courses["annual"]
    path = f"/learn/annual/{annual.units[0].id}"
    assert "请先学完" in api.get(path).text
    api.form(path, **right_form(api.get(path).text))
    assert "✓ 这个单元学完了" not in api.get(path).text
    finish_course(api, courses["induction"])
    finish_course(api, annual)
    assert "✓ 全部学完" in api.get("/learn").text


def test_an_annual_course_begins_anew_each_year(world, sign_in, session):
    account = world.account("director", VILLAGE)
    api = sign_in(account)
    courses = {c.id: c for c in load_facts().courses}
    finish_course(api, courses["induction"])
    finish_course(api, courses["annual"])
    for row in session.query(UnitProgress).filter_by(course_id="annual"):
        row.done_at -= timedelta(days=366)
    entry = session.query(ArchiveEntry).filter_by(title=courses["annual"].title).one()
    assert entry.hours == courses["annual"].hours
    session.commit()
    first = f"/learn/annual/{courses['annual'].units[0].id}"
    assert "✓ 这个单元学完了" not in api.get(first).text
    # What was finished for good stays.
    assert "学完 12 / 12 个单元" in api.get("/learn").text


def test_courses_that_ship_can_be_taken(world, sign_in):
    director = sign_in(world.account("director", VILLAGE)).get("/learn").text
    supervisor = sign_in(world.account("supervisor", TOWN)).get("/learn").text
    assert "带好一支队伍" in supervisor and "带好一支队伍" not in director


def mp4(seconds):
    """A small film, a picture a second."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/film.mp4"
        out = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"mp4v"), 1, (32, 32))
        for number in range(seconds):
            out.write(np.full((32, 32, 3), number, np.uint8))
        out.release()
        return Path(path).read_bytes()


@pytest.fixture
def trainer(world, sign_in):
    return sign_in(world.account("city", CITY))


def edits(page):
    return re.search(r'name="edits" value="(\d+)"', page)[1]


def write(trainer, name="防溺水一课", **more):
    """A new course with one written unit; paths of the course and of the unit."""
    course = trainer.form("/courses", title=name).location
    page = trainer.get(course).text
    unit = re.search(r'href="(/courses/\d+/units/[^"]+)"', page)[1]
    values = {"title": "六不", "minutes": "10", "text": "## 记住\n\n- 不私自下水", **more}
    answer = trainer.form(unit, edits=edits(page), **values)
    return course, unit, answer


def publish(trainer, course):
    return trainer.form(f"{course}/publish", edits=edits(trainer.get(course).text))


def test_a_trainer_writes_publishes_and_changes_a_course(trainer, world, sign_in):
    course, unit, _ = write(trainer)
    assert "<h2>记住</h2>" in trainer.get(unit).text
    pupil = sign_in(world.account("director", VILLAGE))
    assert "防溺水一课" not in pupil.get("/learn").text
    publish(trainer, course)
    shown = pupil.get("/learn").text
    assert "防溺水一课" in shown
    path = re.search(r'href="(/learn/c-[^"]+)"', shown)[1]
    assert "<li>不私自下水</li>" in pupil.get(path).text
    # What is published can't be changed; the next version can, and is seen once it is published.
    refused = trainer.form(unit, edits="1", title="改", minutes="10", text="别的")
    assert refused.status_code == 422 and "已经发布" in refused.text
    second = trainer.form(f"{course}/draft").location
    assert second != course
    page = trainer.get(second).text
    new_unit = re.search(r'href="(/courses/\d+/units/[^"]+)"', page)[1]
    trainer.form(new_unit, edits=edits(page), title="六不", minutes="10", text="第二版的话")
    assert "第二版的话" not in pupil.get(path).text
    publish(trainer, second)
    assert "第二版的话" in pupil.get(path).text
    trainer.form(f"{second}/publish", withdraw="1")
    assert "防溺水一课" not in pupil.get("/learn").text
    assert pupil.get(path).status_code == 404


def test_two_taps_make_one_course(trainer):
    assert 'name="once"' in trainer.get("/courses").text
    first, second = (trainer.form("/courses", title="一课", once="ab" * 16) for _ in "12")
    assert first.location == second.location
    assert trainer.get("/courses").text.count("一课") == 1


def test_two_trainers_lose_nothing(trainer):
    course, unit, _ = write(trainer)
    seen = edits(trainer.get(course).text)
    trainer.form(unit, edits=seen, title="甲的", minutes="10", text="甲")
    late = trainer.form(unit, edits=seen, title="乙的", minutes="10", text="乙")
    assert late.status_code == 422 and "别人刚才改过" in late.text and "乙的" in late.text
    assert "甲的" in trainer.get(course).text


def test_a_course_stays_in_its_division(trainer, world, sign_in):
    own = sign_in(world.account("district", DISTRICT))
    course, _, _ = write(own, "平度的课")
    publish(own, course)
    assert "平度的课" in sign_in(world.account("director", VILLAGE)).get("/learn").text
    other = sign_in(world.account("director", OTHER_VILLAGE))
    assert "平度的课" not in other.get("/learn").text
    foreign = sign_in(world.account("district", "370281000000"))
    assert foreign.get(course).status_code == 404
    page = own.get(own.form(f"{course}/draft").location).text
    number = re.search(r"/courses/(\d+)/units", page)[1]
    beyond = own.form(
        f"/courses/{number}", edits=edits(page), title="x", kind="annual", prefix="3702"
    )
    assert beyond.status_code == 422 and "管理范围" in beyond.text


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"title": ""}, "名称：没有填"),
        ({"minutes": "很久"}, "分钟：要填整数"),
        ({"minutes": "9999"}, "分钟：不能大于 240"),
        ({"quiz_items": "3", "quiz_need": "5"}, "要答对的题数不能多过题数"),
    ],
)
def test_what_does_not_hold_is_said(trainer, values, told):
    _, _, answer = write(trainer, **values)
    assert answer.status_code == 422 and told in answer.text and "第 1 个单元" in answer.text


def test_an_empty_unit_is_not_published(trainer):
    course, _, _ = write(trainer, text="")
    refused = publish(trainer, course)
    assert refused.status_code == 422 and "还没有内容" in refused.text


def test_written_text_is_made_harmless(trainer):
    text = "<script>alert(1)</script><img src=x onerror=alert(1)> [点](javascript:alert(1))"
    _, unit, _ = write(trainer, text=text)
    preview = trainer.get(unit).text.split('id="preview"')[1]
    assert "<script>" not in preview and "onerror" not in preview
    assert "javascript:" not in preview


def test_a_recording_is_kept_measured_and_served_in_ranges(trainer, world, sign_in):
    film = mp4(95)
    course, unit, answer = write(trainer, recording=(io.BytesIO(film), "课.mp4"))
    assert answer.status_code == 302, answer.text[-2000:]
    assert "1 分 35 秒的录像" in trainer.get(unit).text
    publish(trainer, course)
    pupil = sign_in(world.account("director", VILLAGE))
    path = re.search(r'href="(/learn/c-[^"]+)"', pupil.get("/learn").text)[1]
    source = re.search(r'<source src="([^"]+)"', pupil.get(path).text)[1]
    whole = pupil.get(source)
    assert whole.data == film and whole.mimetype == "video/mp4"
    part = pupil.client.get(source, headers={"Range": "bytes=100-199"})
    assert part.status_code == 206 and part.data == film[100:200]
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(film)}"
    beyond = pupil.client.get(source, headers={"Range": f"bytes={len(film) + 5}-"})
    assert beyond.status_code == 416
    assert pupil.client.get("/media/" + "0" * 64).status_code == 404


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"MZ\x90\0 program", "只能用 MP4"),
        (b"\0\0\0\x18ftypisom" + bytes(40), "读不出"),
        (b"ID3" + bytes(40), "读不出"),
        (b"%PDF-1.4", "不是这里要的文件"),
    ],
)
def test_what_is_no_recording_is_refused(trainer, data, told):
    _, _, answer = write(trainer, recording=(io.BytesIO(data), "课.mp4"))
    assert answer.status_code == 422 and told in answer.text


def test_a_recording_of_sound_and_its_subtitles(trainer):
    words = "WEBVTT\n\n00:00.000 --> 00:02.000\n记住六不".encode()
    _, unit, answer = write(
        trainer,
        recording=(io.BytesIO(mp3(61)), "课.mp3"),
        subtitles=(io.BytesIO(words), "课.vtt"),
    )
    assert answer.status_code == 302, answer.text
    page = trainer.get(unit).text
    assert re.search("1 分 [01] 秒的录音", page)
    track = re.search(r'<track[^>]+src="([^"]+)"', page)[1]
    assert trainer.get(track).mimetype == "text/vtt"
