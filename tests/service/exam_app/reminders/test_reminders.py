"""Reminders: what is due, told once, by ways that hold their quiet hours; robots, mail, lists."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import select

from exam_app.reminders import service
from exam_app.reminders.models import Channel, Delivery, Reminder
from exam_app.reminders.rules import due_on
from harness.postgres import free_port
from tests.factories import CITY, DISTRICT, OTHER_VILLAGE, VILLAGE, ZONE
from training_records.coverage.running import apply_pending
from training_records.database import make_session_factory
from training_records.errors import Refused
from training_records.events import enrolment, planning

NOON = datetime(2026, 11, 25, 12, tzinfo=ZONE)
TODAY = NOON.date()


@pytest.fixture
def factory(clean):
    return make_session_factory(clean)


def settle(session):
    """Brings the figures of coverage, from which reminders are read, to today."""
    session.commit()
    apply_pending(session, TODAY)
    session.commit()


def told(session, moment=NOON):
    found = list(due_on(session, moment, ZONE))
    session.commit()
    return found


def test_the_new_are_reminded_of_their_induction_step_by_step(session, world):
    person = world.person(start=TODAY - timedelta(days=16))
    settle(session)
    [due] = [d for d in told(session) if d.kind == "induction"]
    assert "上岗 16 天" in due.text and due.key.endswith(":15")
    # The same step is the same thing the day after; the next step is another.
    again = [d for d in told(session, NOON + timedelta(days=1)) if d.kind == "induction"]
    assert [d.key for d in again] == [due.key]
    later = [d for d in told(session, NOON + timedelta(days=9)) if d.kind == "induction"]
    assert [d.key.rpartition(":")[2] for d in later] == ["25"]
    world.entry(person, "exam", TODAY, induction=True)
    settle(session)
    assert [d for d in told(session) if d.kind == "induction"] == []


def test_what_the_year_still_asks_for(session, world):
    short = world.person(start=date(2020, 1, 1))
    world.entry(short, "training", date(2026, 3, 1), hours=5)
    covered = world.person(start=date(2020, 1, 1))
    world.entry(covered, "training", date(2026, 3, 1))
    world.entry(covered, "exam", date(2026, 3, 1))
    settle(session)
    [due] = [d for d in told(session) if d.kind == "hours"]
    assert due.person_id == short.id and "还差 3 学时、还没有通过考试" in due.text
    assert [d for d in told(session, NOON.replace(month=8)) if d.kind == "hours"] == []


def test_an_exam_that_ends_soon(session, world):
    exam = world.exam(
        CITY, kind="annual", opens_at=NOON - timedelta(days=9), closes_at=NOON + timedelta(days=2)
    )
    world.exam(
        CITY, practice=True, kind="annual", closes_at=NOON + timedelta(days=2), opens_at=NOON
    )
    person = world.person()
    settle(session)
    found = [d for d in told(session) if d.kind == "exam"]
    assert [(d.person_id, d.path) for d in found] == [(person.id, f"/exams/{exam.id}")]


def test_events_and_what_changes_in_them(session, world, clock):
    clock.at = NOON - timedelta(hours=2)
    event = planning.create_event(
        session,
        DISTRICT,
        "民政局",
        by="t",
        title="轮训",
        audience="director",
        form="面授",
        capacity=9,
        place="党校",
    )
    start = NOON + timedelta(days=1)
    for hour in (0, 4):
        planning.add_session(
            session,
            event,
            "t",
            title="课",
            hours=2,
            starts_at=start + timedelta(hours=hour),
            ends_at=start + timedelta(hours=hour + 2),
        )
    planning.announce(session, event, "t")
    person = world.person()
    enrolment.nominate(session, event, [person.id], prefix="370283", by="t", today=TODAY, own=True)
    settle(session)
    # One day of two sessions is one thing.
    [due] = [d for d in told(session) if d.kind == "event"]
    assert "党校" in due.text and due.until == start.date()
    planning.cancel(session, event, "大雪", by="t")
    for row in planning.notes_of(session, event, ""):
        row.created_at = NOON
    session.commit()
    [change] = [d for d in told(session) if d.kind == "changed"]
    assert "大雪" in change.text and not [d for d in told(session) if d.kind == "event"]


def test_which_notes_are_told(session, world, clock):
    clock.at = NOON - timedelta(hours=2)
    event = planning.create_event(
        *(session, DISTRICT, "民政局"),
        by="t",
        **{"title": "轮训", "audience": "director", "form": "直播", "capacity": 9},
    )
    start, length = NOON + timedelta(days=9), timedelta(hours=2)

    def add(title, day):
        times = {"starts_at": start + day, "ends_at": start + day + length}
        return planning.add_session(session, event, "t", title=title, hours=2, **times)

    first = add("第一课", timedelta())
    planning.announce(session, event, "t")
    enrolment.nominate(
        session, event, [world.person().id], prefix="370283", by="t", today=TODAY, own=True
    )
    second = add("改时间怎么办、取消怎么办", timedelta(days=1))
    planning.edit(session, event, "t", values={"contact": "王五"})
    planning.move_session(
        session, first, start + length, ends_at=start + 2 * length, reason="停电", by="t"
    )
    planning.drop_session(session, second, "老师病了", by="t")
    for row in planning.notes_of(session, event, ""):
        row.created_at = NOON
    session.commit()
    texts = [d.text for d in told(session) if d.kind == "changed"]
    assert len(texts) == 2 and "停电" in texts[0] and "老师病了" in texts[1]


def test_background_checks_that_run_out(session, world):
    world.person(background_next_due=TODAY + timedelta(days=10))
    world.person(background_next_due=TODAY + timedelta(days=40))
    settle(session)
    assert sum(d.kind == "check" for d in told(session)) == 1


def test_nobody_is_told_twice(session, world, factory, config):
    for _ in range(3):
        world.person(start=TODAY - timedelta(days=4))
    settle(session)
    assert service.note_due(factory, config, NOON) == 3
    assert service.note_due(factory, config, NOON) == 0
    assert service.note_due(factory, config, NOON + timedelta(hours=5)) == 0
    threads = [
        threading.Thread(target=service.note_due, args=(factory, config, NOON)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(session.scalars(select(Reminder)).all()) == 3


class Robot:
    """A group's robot on loopback: keeps what it is told and answers as the real ones do."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.answer: tuple[int, bytes] = (200, b'{"errcode": 0, "errmsg": "ok"}')
        robot = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                robot.texts.append(body["text"]["content"])
                robot.path = self.path
                status, data = robot.answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def robot() -> Iterator[Robot]:
    made = Robot()
    yield made
    made.server.shutdown()
    made.server.server_close()


def channel(session, config, way="webhook", created_at=NOON - timedelta(days=1), **more):
    values = {"name": "群", "target": None, "secret": None, "quiet_from": 21, "quiet_to": 8, **more}
    made = service.add_channel(session, DISTRICT, "t", config=config, way=way, **values)
    made.created_at = created_at
    session.commit()
    return made


def some_due(session, world, count=3):
    """People to remind, and the reminders noted."""
    people = [world.person(start=TODAY - timedelta(days=4), name=f"王某{n}") for n in range(count)]
    settle(session)
    return people


def test_a_group_is_told_once_and_not_at_night(session, world, factory, config, robot):
    config = replace(config, webhook_hosts=robot.host)
    made = channel(session, config, target=f"http://{robot.host}/send?key=k", secret="s")
    some_due(session, world, 25)
    world.person(OTHER_VILLAGE, start=TODAY - timedelta(days=4))
    settle(session)
    service.note_due(factory, config, NOON)
    night = NOON.replace(hour=22)
    assert service.send_due(factory, config, night) == 0 and robot.texts == []
    assert service.send_due(factory, config, NOON) == 25
    assert service.send_due(factory, config, NOON) == 0
    [text] = robot.texts
    # Names are masked in a group, many are counted, another district's are not in it.
    assert text.startswith("培训提醒（25 条）") and "王*" in text and "王某" not in text
    assert "条，请到系统里看" in text and len(text.encode()) <= 2048
    assert "timestamp=" in robot.path and "sign=" in robot.path
    states = session.scalars(select(Delivery.state).where(Delivery.channel_id == made.id))
    assert set(states) == {"sent"}


def test_a_robot_that_refuses_is_noted_and_can_be_tried_again(
    session, world, factory, config, robot
):
    config = replace(config, webhook_hosts=robot.host)
    made = channel(session, config, target=f"http://{robot.host}/send")
    some_due(session, world)
    service.note_due(factory, config, NOON)
    for answer in (
        (200, b'{"errcode": 93000, "errmsg": "invalid"}'),
        (500, b"x"),
        (200, b"no json"),
    ):
        robot.answer = answer
        assert service.send_due(factory, config, NOON) == 0
        assert set(session.scalars(select(Delivery.state))) == {"failed"}
        session.commit()
        assert service.forget_failed(session, made) == 3
        session.commit()
    robot.answer = (200, b'{"errcode": 0}')
    assert service.send_due(factory, config, NOON) == 3


def test_several_processes_send_a_thing_once(session, world, factory, config, robot):
    config = replace(config, webhook_hosts=robot.host)
    channel(session, config, target=f"http://{robot.host}/send")
    some_due(session, world, 5)
    service.note_due(factory, config, NOON)
    done: list[int] = []
    threads = [
        threading.Thread(target=lambda: done.append(service.send_due(factory, config, NOON)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(done) == 5
    assert sum(text.count("您上岗") for text in robot.texts) == 5


def test_a_process_that_died_in_the_midst_is_not_repeated(session, world, factory, config, robot):
    config = replace(config, webhook_hosts=robot.host)
    made = channel(session, config, target=f"http://{robot.host}/send")
    some_due(session, world)
    service.note_due(factory, config, NOON)
    assert len(service._take(session, made, NOON, config=config, limit=100)) == 3
    session.commit()
    assert service.send_due(factory, config, NOON) == 0 and robot.texts == []


@pytest.mark.parametrize(
    "target",
    [
        "http://qyapi.weixin.qq.com/x",
        "https://example.org/x",
        "https://qyapi.weixin.qq.com@evil.example/x",
        "https://qyapi.weixin.qq.com:8443/x",
        "file:///etc/passwd",
        "http://169.254.169.254/latest",
        "",
    ],
)
def test_only_known_robots_are_called(session, world, config, target):
    with pytest.raises(Refused, match="群机器人"):
        channel(session, config, target=target)


class Box:
    """Keeps the mails that come in."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], str]] = []

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
        from email import message_from_bytes, policy

        mail = message_from_bytes(envelope.content, policy=policy.default)  # type: ignore[attr-defined]
        if "broken" in envelope.rcpt_tos[0]:  # type: ignore[attr-defined]
            return "550 no such box"
        self.mails.append((envelope.rcpt_tos, mail.get_content()))  # type: ignore[attr-defined]
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[Box, str]]:
    box, port = Box(), free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, f"smtp://127.0.0.1:{port}"
    controller.stop()


def test_mail_goes_to_those_who_have_an_address(session, world, factory, config, mailbox):
    box, url = mailbox
    config = replace(config, smtp_url=url, smtp_from="academy@example.org")
    channel(session, config, way="smtp")
    people = some_due(session, world)
    people[0].email, people[1].email = "a@example.org", "broken@example.org"
    session.commit()
    service.note_due(factory, config, NOON)
    assert service.send_due(factory, config, NOON) == 1
    [(to, text)] = box.mails
    assert to == ["a@example.org"] and "王某0，您好" in text and "初任考核还没有合格" in text
    states = sorted(session.scalars(select(Delivery.state)))
    assert states == ["failed", "sent"]


def test_mail_needs_a_server(session, world, config):
    with pytest.raises(Refused, match="ACADEMY_SMTP_URL"):
        channel(session, config, way="smtp")
    with pytest.raises(Refused, match="ACADEMY_SMTP_FROM"):
        channel(session, replace(config, smtp_url="smtp://127.0.0.1:9"), way="smtp")


def test_the_list_for_the_sms_platform(session, world, factory, config):
    made = channel(session, config, way="csv")
    people = some_due(session, world)
    people[0].name = "=1+2"
    session.commit()
    service.note_due(factory, config, NOON)
    data, number = service.export_list(session, made, NOON, config=config)
    session.commit()
    lines = data.decode("utf-8-sig").splitlines()
    assert (
        number == 3
        and lines[0].split(",") == ["手机号", "姓名", "内容"]
        and f"{people[0].phone},'=1+2," in lines[1]
    )
    assert service.export_list(session, made, NOON, config=config)[1] == 0


def test_pages(session, world, sign_in, factory, config, clock):
    clock.at = NOON
    person = world.person(start=TODAY - timedelta(days=4))
    office, phone = (
        sign_in(world.account("district", DISTRICT)),
        sign_in(world.account("director", VILLAGE, person)),
    )
    settle(session)
    service.note_due(factory, config, NOON)
    assert "上岗" in phone.get("/").text
    phone.form("/reminders/seen")
    assert "知道了" not in phone.get("/").text
    assert "本人看过 1 条" in office.get("/reminders").text
    refused = office.form(
        "/reminders", way="webhook", name="群", target="http://x", quiet_from="21", quiet_to="8"
    )
    assert refused.status_code == 422 and "群机器人的地址" in refused.text
    office.form("/reminders", way="csv", name="县短信平台", quiet_from="21", quiet_to="8")
    made = session.scalars(select(Channel)).one()
    made.created_at = NOON - timedelta(days=1)
    session.commit()
    answer = office.form(f"/reminders/{made.id}", list="1")
    assert person.phone in answer.data.decode("utf-8-sig")
    assert "导出名单" in office.get("/reminders").text
    foreign = sign_in(world.account("district", "370281000000"))
    assert foreign.form(f"/reminders/{made.id}", list="1").status_code == 404
