"""Check-in pages: the rotating code on the screen, check-in by phone, personal codes, the survey."""

from __future__ import annotations

import io
from urllib.parse import urlsplit

import zxingcpp
from flask import Blueprint, jsonify, render_template, request, url_for
from PIL import Image, UnidentifiedImageError
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.events.codes import read_code
from exam_app.events.forms import SurveyForm, door_link
from exam_app.events.people_views import board
from exam_app.web.access import LEARNERS, MANAGERS, OFFICES, access
from exam_app.web.forms import sent_id
from training_records.database import now
from training_records.divisions import full_name
from training_records.errors import NotFound, Refused
from training_records.events import attendance, clashes, enrolment, planning, survey
from training_records.events.files import files_of
from training_records.events.models import ENROLMENTS, PRESENCE, Event
from training_records.ledger.models import Person
from training_records.ledger.service import load_person
from training_records.typesetting import qr_svg

check_in = Blueprint("check_in", __name__)
_QR = zxingcpp.BarcodeFormat.QRCode


@check_in.get("/events/<int:event_id>/sessions/<int:session_id>/screen")
@access(MANAGERS)
def screen(event_id: int, session_id: int) -> str:
    event = planning.own_event(web.db(), event_id, web.scope().prefix)
    session = planning.get_session(web.db(), event, session_id)
    return render_template("events/screen.html", event=event, one=session)


@check_in.get("/events/<int:event_id>/sessions/<int:session_id>/code.json")
@access(MANAGERS)
def code(event_id: int, session_id: int) -> Response:
    """Returns the current code as SVG, the seconds until the next one, and the attendance counts."""
    event = planning.own_event(web.db(), event_id, web.scope().prefix)
    session = planning.get_session(web.db(), event, session_id)
    moment = now()
    code_text = attendance.code_at(event, session.id, moment)
    link = web.config().public_url + url_for(
        "check_in.enter", session_id=session.id, code=code_text
    )
    counts = attendance.counts(web.db(), session)
    return jsonify(
        {
            "svg": qr_svg(link),
            "link": link,
            "next": attendance.STEP - moment.timestamp() % attendance.STEP,
            "open": attendance.check_in_open(session, moment) and event.state == "open",
            "in": counts.get("present", 0) + counts.get("late", 0),
            "unlisted": counts.get("unlisted", 0),
            "of": len(clashes.taking_part(web.db(), event)),
        }
    )


@check_in.get("/events/in/<int:session_id>/<code>")
@access(LEARNERS)
def enter(session_id: int, code: str) -> str | tuple[str, int]:
    """The page behind the screen's code, with one button to check in."""
    session = planning.announced_session(web.db(), session_id)
    valid = attendance.code_holds(session.event, session.id, code, moment=now())
    page = render_template("events/enter.html", one=session, code=code, holds=valid)
    return page if valid else (page, 410)


@check_in.post("/events/in/<int:session_id>/<code>")
@access(LEARNERS)
def sign(session_id: int, code: str) -> Response | str | tuple[str, int]:
    session = planning.announced_session(web.db(), session_id)
    if not attendance.code_holds(session.event, session.id, code, moment=now()):
        web.db().rollback()
        return render_template("events/enter.html", one=session, code=code, holds=False), 410
    try:
        state, already = attendance.check_in(
            web.db(), session, web.person_id(), how="qr", by=f"person:{web.person_id()}"
        )
    except Refused as refused:
        web.db().rollback()
        return render_template(
            "events/enter.html", one=session, code=code, holds=True, refused=str(refused)
        ), 422
    web.db().commit()
    return render_template(
        "events/entered.html", one=session, state=state, again=already, presence=PRESENCE
    )


@check_in.get("/events/mine")
@access(LEARNERS)
def mine() -> str:
    person = web.person_id()
    rows = []
    for event, enrolled in enrolment.events_of_person(web.db(), person):
        attended = attendance.attendance_of(web.db(), event).get(person, {})
        rows.append(
            {
                "event": event,
                "enrolled": enrolled,
                "came": attended,
                "files": files_of(web.db(), event, "material")
                if enrolled.state == "approved"
                else [],
                "hours": attendance.hours_of(event, attended),
                "survey": survey.may_answer(web.db(), event, person),
                "code": qr_svg(door_link(event.id, person))
                if enrolled.state == "approved"
                and event.state == "open"
                and not planning.is_over(event)
                else "",
            }
        )
    return render_template("events/mine.html", rows=rows, enrolments=ENROLMENTS, presence=PRESENCE)


def _at_door(code: str) -> tuple[Event, Person]:
    event_id, person_id = read_code(web.config().secret_key, code)
    event = planning.own_event(web.db(), event_id, web.scope().prefix)
    return event, load_person(web.db(), person_id)


@check_in.get("/events/door/<code>")
@access(OFFICES)
def at_door(code: str) -> str:
    """The page behind a personal code, for staff at the door."""
    event, person = _at_door(code)
    return _door_page(event, person, code)


def _door_page(event: Event, person: Person, code: str, **context: str) -> str:
    open_now = attendance.sessions_on(web.db(), [event], now())
    attended = attendance.attendance_of(web.db(), event).get(person.id, {})
    return render_template(
        "events/door.html",
        event=event,
        person=person,
        code=code,
        open=open_now,
        came=attended,
        presence=PRESENCE,
        place=_enrolment_label(event, person),
        **context,
    )


def _enrolment_label(event: Event, person: Person) -> str:
    try:
        row = enrolment.get_enrolment(web.db(), event, person.id)
    except NotFound:
        return "不在名单里"
    return full_name(web.db(), row.division_code) + (f" · 编号 {row.number}" if row.number else "")


@check_in.post("/events/door/<code>")
@access(OFFICES)
def check_in_person(code: str) -> str | tuple[str, int]:
    event, person = _at_door(code)
    session = planning.get_session(web.db(), event, sent_id("session") or 0)
    try:
        state, already = attendance.check_in(
            web.db(), session, person.id, how="door", by=web.actor()
        )
    except Refused as refused:
        web.db().rollback()
        event, person = _at_door(code)
        return _door_page(event, person, code, refused=str(refused)), 422
    web.db().commit()
    outcome = "早已签到" if already else PRESENCE[state]
    return _door_page(event, person, code, told=f"{person.name}：{outcome}")


@check_in.post("/events/<int:event_id>/sessions/<int:session_id>/photo")
@access(OFFICES)
def photo(event_id: int, session_id: int) -> Response:
    """Checks in everyone whose personal code is on a photo, e.g. of badges."""
    event = planning.own_event(web.db(), event_id, web.scope().prefix)
    session = planning.get_session(web.db(), event, session_id)

    def verb() -> str:
        file = request.files.get("photo")
        if file is None or not file.filename:
            raise Refused("请先拍一张有签到码的照片")
        people = [p for e, p in _codes_on(file.read()) if e == event.id]
        if not people:
            raise Refused("照片里没有认出这次培训的签到码。请靠近一点，拍清楚再试")
        new = 0
        for person in dict.fromkeys(people):
            _, already = attendance.check_in(web.db(), session, person, how="door", by=web.actor())
            new += not already
        return f"照片里认出 {len(set(people))} 个码，新签到 {new} 人。"

    return web.carry_out(
        verb,
        url_for("roll.board", event_id=event_id, session_id=session_id),
        page=lambda: board(event_id, session_id),
    )


def _codes_on(data: bytes) -> list[tuple[int, int]]:
    try:
        with Image.open(io.BytesIO(data)) as picture:
            if picture.width * picture.height > 60_000_000:
                raise Refused("照片太大，请用普通大小再拍")
            grey = picture.convert("L")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        raise Refused("这不是照片。请用 JPG 或 PNG") from None
    decoded, secret = [], web.config().secret_key
    for code in zxingcpp.read_barcodes(grey, formats=_QR):  # type: ignore[arg-type]
        try:
            decoded.append(read_code(secret, urlsplit(code.text).path.rpartition("/")[2]))
        except NotFound:
            continue
    return decoded


@check_in.get("/events/<int:event_id>/survey")
@access(LEARNERS)
def questions(event_id: int) -> str:
    person = web.person_id()
    event = survey.event_of(web.db(), event_id, person)
    return render_template(
        "events/survey.html",
        event=event,
        may=survey.may_answer(web.db(), event, person),
        questions=survey.QUESTIONS,
        marks=survey.MARKS,
        form=SurveyForm.shown(),
    )


@check_in.post("/events/<int:event_id>/survey")
@access(LEARNERS)
def answer(event_id: int) -> Response:
    person, form = web.person_id(), SurveyForm.typed()
    event = survey.event_of(web.db(), event_id, person)

    def verb() -> str:
        marks = {q: sent_id(q) or 0 for q in survey.QUESTIONS}
        survey.answer(web.db(), event, person, marks=marks, comment=form.comment.got)
        return "谢谢，保存好了。问卷不记名。"

    return web.carry_out(
        verb,
        url_for("check_in.questions", event_id=event_id),
        page=lambda: questions(event_id),
        form=form,
        target=lambda: url_for("check_in.mine"),
    )
