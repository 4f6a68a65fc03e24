"""Pages of training events: scopes, the door by phone, papers, what is refused."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest
from docx import Document
from PIL import Image, ImageDraw
from pypdf import PdfReader
from sqlalchemy import select

from exam_app.events import documents
from exam_app.events.codes import own_code
from tests.factories import (
    CITY,
    DISTRICT,
    OTHER_DISTRICT,
    OTHER_VILLAGE,
    TOWN,
    VILLAGE,
    ZONE,
    rightly,
)
from training_records.archive.models import ArchiveEntry
from training_records.certificates.models import Certificate
from training_records.database import now
from training_records.events import attendance
from training_records.events.models import Attendance, Enrolment, Event, EventSession, Quota


def local(moment):
    return moment.astimezone(ZONE).strftime("%Y-%m-%dT%H:%M")


@pytest.fixture
def district(world, sign_in):
    return sign_in(world.account("district", DISTRICT))


def build(office, start=None, opened=True, **more):
    """An event of an office with one session that begins now; its path."""
    values = {"title": "轮训班", "audience": "director", "capacity": "30", **more}
    path = office.form("/events", **values).location
    start = start or now() - timedelta(minutes=1)
    office.form(
        f"{path}/sessions",
        title="第一课",
        starts_at=local(start),
        ends_at=local(start + timedelta(hours=3)),
        hours="4",
    )
    office.form(
        path,
        title=values["title"],
        audience="director",
        form="面授",
        place="党校",
        capacity=values["capacity"],
    )
    if opened:
        assert "通知发布了" in office.get(office.form(f"{path}/step").location).text
    return path


def session_of(path, session):
    one = session.scalars(
        select(EventSession).where(EventSession.event_id == int(path.rpartition("/")[2]))
    ).first()
    session.commit()
    return one


def code_now(session, one, ago=0):
    event = session.get_one(Event, one.event_id)
    code = attendance.code_at(event, one.id, now() - timedelta(seconds=ago))
    session.commit()
    return f"/events/in/{one.id}/{code}"


def end(session, one):
    """Lets a session be over."""
    row = session.get_one(EventSession, one.id)
    row.starts_at, row.ends_at = (
        row.starts_at - timedelta(hours=4),
        row.ends_at - timedelta(hours=4),
    )
    session.commit()


def test_from_nomination_to_archive(city, district, world, sign_in, session):
    path = build(city)
    pupil = world.account("director", VILLAGE)
    phone = sign_in(pupil)
    told = district.get(
        district.form(f"{path}/people", people=f"{pupil.name}\n没这个人").location
    ).text
    assert "报上 1 人" in told and "“没这个人”没有报上" in told
    # A district's hand does not decide the city's list.
    assert (
        district.form(f"{path}/decide", person=str(pupil.person_id), approve="1").status_code == 404
    )
    city.form(f"{path}/decide", person=str(pupil.person_id), approve="1")
    one = session_of(path, session)
    screen = city.get(f"{path}/sessions/{one.id}/code.json").json
    assert screen["open"] and screen["of"] == 1 and screen["in"] == 0 and 0 < screen["next"] <= 30
    link = screen["link"].partition("/events")
    assert "点这里签到" in phone.get(link[1] + link[2]).text
    assert "✓ 签到好了" in phone.form(link[1] + link[2]).text
    assert "早已签到" in phone.form(link[1] + link[2]).text
    assert city.get(f"{path}/sessions/{one.id}/code.json").json["in"] == 1
    end(session, one)
    assert "填问卷" in phone.get("/events/mine").text
    for _ in range(2):
        city.form(f"{path}/file", confirmed_by="甲")
    entries = session.scalars(select(ArchiveEntry)).all()
    assert [(e.person_id, e.hours, e.level) for e in entries] == [(pupil.person_id, 4, "city")]
    session.commit()
    # Certificates by the way that all trainings have, with title and day filled in.
    city.form(
        "/certificates/templates", name="结业证书", prefix="QD", body="{holder}({place}){title}"
    )
    on = re.search(r'name="on" value="([^"]+)"', city.get(path).text)[1]
    assert "轮训班" in city.get(f"/certificates?title=轮训班&on={on}").text
    city.form("/certificates/issue", title="轮训班", on=on, template="1")
    assert [c.holder for c in session.scalars(select(Certificate))] == [pupil.name]


def test_a_code_ends_after_a_minute(city, world, sign_in, session):
    path = build(city)
    phone, one = sign_in(world.account("director", VILLAGE)), session_of(path, session)
    old = code_now(session, one, ago=61)
    assert phone.get(old).status_code == phone.form(old).status_code == 410
    assert session.scalars(select(Attendance)).all() == []
    session.commit()
    assert "这个码过期了" in phone.form(f"/events/in/{one.id}/abcdefghijkl").text
    assert phone.form(f"/events/in/{10**6}/abcdefghijkl").status_code == 404


def test_who_is_not_on_the_list_is_listed_apart(city, world, sign_in, session):
    path = build(city)
    guest, one = world.account("director", VILLAGE), session_of(path, session)
    assert "您不在录取名单里" in sign_in(guest).form(code_now(session, one)).text
    board = f"{path}/sessions/{one.id}"
    assert "名单外 1 人" in city.get(board).text
    city.form(f"{path}/decide", person=str(guest.person_id), admit="1")
    assert "应到 1 人，已登记 1 人" in city.get(board).text
    end(session, one)
    assert "1 人到课" in city.get(f"{path}/file").text


def test_the_own_code_at_the_door(city, world, sign_in, session, config):
    path = build(city)
    pupils = [world.account("director", VILLAGE) for _ in range(3)]
    city.form(f"{path}/people", people="\n".join(p.phone for p in pupils))
    one, number = session_of(path, session), int(path.rpartition("/")[2])
    phones = [sign_in(p) for p in pupils]
    assert all("我的签到码" in phone.get("/events/mine").text for phone in phones)
    codes = [own_code(config.secret_key, number, p.person_id) for p in pupils]
    page = city.get(f"/events/door/{codes[0]}").text
    assert pupils[0].name in page and "编号 1" in page
    assert "到课" in city.form(f"/events/door/{codes[0]}", session=one.id).text
    assert "早已签到" in city.form(f"/events/door/{codes[0]}", session=one.id).text
    # A pupil can't let themselves in by their own code; other districts, other codes, nothing.
    assert phones[0].form(f"/events/door/{codes[0]}", session=one.id).status_code == 403
    foreign = sign_in(world.account("district", OTHER_DISTRICT))
    assert foreign.get(f"/events/door/{codes[1]}").status_code == 404
    for odd in (codes[1][:-1] + "x", f"{number}-{pupils[1].person_id}-", "x", "1-2", "9" * 80):
        assert city.get(f"/events/door/{odd}").status_code == 404
    # Two badges on one photo.
    picture = Image.new("RGB", (900, 500), "white")
    for place, code in enumerate(codes[1:]):
        picture.paste(qr(f"http://x/events/door/{code}"), (20 + 430 * place, 40))
    ImageDraw.Draw(picture).text((10, 10), "badges")
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=80)
    told = city.form(f"{path}/sessions/{one.id}/photo", photo=(io.BytesIO(out.getvalue()), "a.jpg"))
    assert "认出 2 个码，新签到 2 人" in city.get(told.location).text
    told = city.form(f"{path}/sessions/{one.id}/photo", photo=(io.BytesIO(b"text"), "a.jpg"))
    assert "这不是照片" in told.text


def qr(text):
    import numpy as np
    import zxingcpp

    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    picture = Image.fromarray(np.asarray(zxingcpp.write_barcode_to_image(code, scale=6)))
    return picture.convert("RGB").resize((400, 400))


def test_numbers_from_paper(city, world, session):
    path = build(city)
    people = [world.person(VILLAGE) for _ in range(5)]
    city.form(f"{path}/people", people="\n".join(p.phone for p in people))
    one = session_of(path, session)
    board = f"{path}/sessions/{one.id}"
    told = city.get(city.form(f"{board}/attendance", numbers="1-3、5、88").location).text
    assert "补签到 4 人" in told and "没有这些编号：88" in told
    told = city.form(f"{board}/attendance", person=people[3].id, state="leave", note="")
    assert "请写请假原因" in told.text
    city.form(f"{board}/attendance", person=people[3].id, state="leave", note="村里有事")
    assert "请假" in city.get(board).text
    assert city.form(f"{board}/attendance", person=10**7, state="present").status_code == 404


def test_other_offices_and_pupils(city, district, world, sign_in):
    path = build(district)
    foreign = sign_in(world.account("district", OTHER_DISTRICT))
    supervisor = sign_in(world.account("supervisor", TOWN))
    pupil = sign_in(world.account("director", VILLAGE))
    own = sign_in(world.account("district", DISTRICT))
    for office, code in ((foreign, 404), (supervisor, 200), (city, 200), (own, 200), (pupil, 403)):
        assert office.get(path).status_code == code
    for verb in ("", "/step", "/sessions", "/quotas", "/decide", "/files"):
        assert foreign.form(path + verb).status_code == 404
        assert supervisor.form(path + verb).status_code == 403
    assert foreign.get(f"{path}/papers/list.docx").status_code == 404
    assert (
        "轮训班" not in foreign.get("/events").text and "轮训班" in supervisor.get("/events").text
    )
    # A town puts up its own people, and only those.
    world.person(OTHER_VILLAGE, name="外区人")
    mine = world.person(VILLAGE, name="本镇人")
    told = supervisor.get(supervisor.form(f"{path}/people", people="本镇人\n外区人").location).text
    assert "报上 1 人" in told and "“外区人”没有报上" in told and mine.name in told


def test_the_history_names_people_to_their_own_offices_only(city, district, other, world, session):
    path = build(city, capacity="1")
    first = world.person(OTHER_VILLAGE, name="赵六")
    second = world.person(VILLAGE, name="王秀兰")
    other.form(f"{path}/people", people=first.phone)
    district.form(f"{path}/people", people=second.phone)
    city.form(f"{path}/withdraw/{first.id}", reason="家里有事")
    one = session_of(path, session)
    for state in ("present", "leave"):
        city.form(
            f"{path}/sessions/{one.id}/attendance", person=second.id, state=state, note="孩子生病"
        )
    lines = ("候补的王秀兰补上了", "第一课：王秀兰改为leave（孩子生病）")
    for office, reads in ((city, True), (district, True), (other, False)):
        page = office.get(path).text
        assert all((line in page) == reads for line in lines), page
        assert "发布通知" in page


def test_papers(city, world, session):
    path = build(city, title="示范=班")
    for _ in range(12):
        world.person(VILLAGE)
    people = [world.person(VILLAGE, name="诸葛婉清"), world.person(OTHER_VILLAGE)]
    city.form(f"{path}/quotas", **{f"q-{DISTRICT}": "20", f"q-{OTHER_DISTRICT}": "10"})
    city.form(f"{path}/people", people="\n".join(p.phone for p in people))
    notice = Document(io.BytesIO(city.get(f"{path}/papers/notice.docx").data))
    assert "平度市、胶州市：" in [p.text for p in notice.paragraphs] or "胶州市、平度市：" in [
        p.text for p in notice.paragraphs
    ]
    assert [r.cells[1].text for r in notice.tables[2].rows] == ["名额", "10", "20", "30"]
    names = Document(io.BytesIO(city.get(f"{path}/papers/list.docx").data))
    assert "诸葛婉清" in [c.text for r in names.tables[0].rows for c in r.cells]
    assert (
        "诸 葛 婉 清"
        in PdfReader(io.BytesIO(city.get(f"{path}/papers/signs.pdf").data)).pages[0].extract_text()
    )
    assert (
        "编号"
        in PdfReader(io.BytesIO(city.get(f"{path}/papers/badges.pdf").data)).pages[0].extract_text()
    )
    report = Document(io.BytesIO(city.get(f"{path}/papers/report.docx").data))
    assert any("示范=班总结报告" in p.text for p in report.paragraphs)
    assert city.get(f"{path}/papers/other.exe").status_code == 404
    assert session.scalars(select(Quota.seats)).all()
    session.commit()


def test_scores_before_and_after(city, world, sign_in, session, saver):
    from tests.factories import begin, hand_in

    before, after = (world.exam(CITY, title=t) for t in ("训前", "结业"))
    path = build(city)
    city.form(
        path,
        title="轮训班",
        audience="director",
        form="面授",
        place="党校",
        capacity="30",
        before_id=str(before.id),
        after_id=str(after.id),
    )
    people = [world.person(VILLAGE) for _ in range(6)]
    city.form(f"{path}/people", people="\n".join(p.phone for p in people))
    for person in people:
        hand_in(session, saver, begin(session, before, person), lambda place: None)
        hand_in(session, saver, begin(session, after, person), rightly)
    page = city.get(f"{path}/report").text
    assert "前后都考了的 6 人，平均分从 0.0 到 100.0，提高 100.0 分" in page
    assert "结业考试 6 人参加，6 人合格" in page
    report = Document(io.BytesIO(city.get(f"{path}/papers/report.docx").data))
    assert any("没有对照组" in p.text for p in report.paragraphs)


@pytest.mark.parametrize("mode", ["RGB", "CMYK"])
def test_every_kind_of_jpeg_gets_into_the_report(city, session, mode):
    path = build(city)
    photo = io.BytesIO()
    Image.new(mode, (40, 30)).save(photo, "JPEG")
    data = photo.getvalue()
    if data[2:4] == b"\xff\xe0":
        # As some phones write it: without the segment that says JFIF.
        data = data[:2] + data[4 + int.from_bytes(data[4:6], "big") :]
    city.form(f"{path}/files", kind="photo", caption="合影", file=(io.BytesIO(data), "p.jpg"))
    report = Document(io.BytesIO(city.get(f"{path}/papers/report.docx").data))
    assert any(p.text == "合影" for p in report.paragraphs)
    assert report.inline_shapes


def test_a_photo_that_cannot_be_opened_does_not_stop_the_report():
    assert documents.as_jpeg(b"\xff\xd8\xff") is None
    assert documents.as_jpeg(b"\x89PNG\r\n\x1a\nbroken") is None


def test_the_report_of_an_event_without_sessions(city):
    path = city.form("/events", title="空班", audience="director", capacity="3").location
    report = Document(io.BytesIO(city.get(f"{path}/papers/report.docx").data))
    assert any("共 0 节" in p.text for p in report.paragraphs)


def test_pictures_and_materials(city, world, sign_in, session):
    path = build(city)
    pupil = world.account("director", VILLAGE)
    city.form(f"{path}/people", people=pupil.phone)
    photo = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(photo, "PNG")
    city.form(
        f"{path}/files",
        kind="photo",
        caption="分组讨论",
        file=(io.BytesIO(photo.getvalue()), "p.png"),
    )
    city.form(
        f"{path}/files", kind="material", caption="讲义", file=(io.BytesIO(b"%PDF-1.4 x"), "m.pdf")
    )
    told = city.form(f"{path}/files", kind="photo", file=(io.BytesIO(b"%PDF-1.4 y"), "y.pdf"))
    assert "照片要用" in told.text
    told = city.form(
        f"{path}/files", kind="photo", file=(io.BytesIO(photo.getvalue()[:40]), "half.png")
    )
    assert told.status_code == 422 and "照片打不开" in told.text
    shown = city.get(f"{path}/report").text
    assert "分组讨论" in shown
    report = Document(io.BytesIO(city.get(f"{path}/papers/report.docx").data))
    assert any(p.text == "分组讨论" for p in report.paragraphs)
    phone = sign_in(pupil)
    link = re.search(r'href="(/evidence/[0-9a-f]+)">教材：讲义', phone.get("/events/mine").text)[1]
    assert phone.get(link).data == b"%PDF-1.4 x"
    assert sign_in(world.account("director", VILLAGE)).get(link).status_code == 404


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"starts_at": "x"}, "开始：日期和时间看不懂"),
        ({"hours": "NaN"}, "学时：请填数字"),
        ({"hours": "很多"}, "学时：请填数字"),
        ({"title": ""}, "讲什么"),
        ({"teacher_phone": "13899999999"}, "没有找到"),
    ],
)
def test_what_a_session_may_not_say(city, values, told):
    path = city.form("/events", title="班", audience="director", capacity="10").location
    start = now()
    good = {
        "title": "课",
        "starts_at": local(start),
        "ends_at": local(start + timedelta(hours=3)),
        "hours": "4",
    }
    answer = city.form(f"{path}/sessions", **{**good, **values})
    assert told in answer.text


def test_events_that_can_t_be(city, district):
    for values in ({"title": ""}, {"capacity": "x"}, {"capacity": "0"}, {"parent": "999"}):
        good = {"title": "班", "audience": "director", "capacity": "10"}
        assert city.form("/events", **{**good, **values}).status_code == 422
    refused = city.form("/events/plan", year="2026", title="班", month="x")
    assert refused.status_code == 422 and "月份：请填整数" in refused.text


@pytest.mark.time_machine("2026-11-24T10:00+08:00")
def test_a_repeat_is_linked_to_the_demonstration(city, district, world, session):
    parent = build(city)
    session.get_one(Event, int(parent.rpartition("/")[2])).demonstration = True
    session.commit()
    shown = district.get("/events").text
    assert "照着示范培训办" in shown
    path = district.form(
        "/events",
        title="跟着办",
        audience="director",
        capacity="10",
        parent=parent.rpartition("/")[2],
    ).location
    assert "照着示范培训“轮训班”办" in district.get(path).text
    assert "还没有开课" in city.get("/").text
    pupil = world.account("director", VILLAGE)
    city.form(f"{parent}/people", people=pupil.phone)
    roll = f"{parent}/sessions/{session_of(parent, session).id}/attendance"
    city.form(roll, person=str(pupil.person_id), state="present")
    page = city.get("/").text
    assert "还没有开课" not in page and "回去办了 1 个班" in page


def test_the_day_s_card_leads_to_the_door(city, world, sign_in, session):
    path = build(city, start=now() + timedelta(days=2))
    pupil = world.account("director", VILLAGE)
    city.form(f"{path}/people", people=pupil.phone)
    phone = sign_in(pupil)
    assert "准备参加轮训班" in phone.get("/").text
    one = session.get_one(EventSession, session_of(path, session).id)
    one.starts_at, one.ends_at = now(), now() + timedelta(hours=3)
    session.commit()
    assert "签到：第一课" in phone.get("/").text
    assert session.scalars(select(Enrolment.state)).all() == ["approved"]
    session.commit()


def test_the_survey_of_an_event_is_for_those_it_concerns(city, world, sign_in):
    path = build(city)
    pupil = world.account("director", VILLAGE)
    phone, stranger = sign_in(pupil), sign_in(world.account("director", VILLAGE))
    assert phone.get(f"{path}/survey").status_code == 404
    city.form(f"{path}/people", people=pupil.phone)
    assert "还没有参加" in phone.get(f"{path}/survey").text
    assert stranger.get(f"{path}/survey").status_code == 404
    assert stranger.form(f"{path}/survey").status_code == 404
