"""Enrolment and attendance pages of an event."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.events.forms import (
    DeclineForm,
    NominationForm,
    NumbersForm,
    PresenceForm,
    WithdrawForm,
    event_within,
    own_event,
    own_prefix,
)
from exam_app.events.views import try_event
from exam_app.web.access import MANAGERS, OFFICES, access
from exam_app.web.forms import pressed, sent_fields, sent_id, sent_values
from training_records.archive.external import read_attendance
from training_records.database import now
from training_records.errors import Refused
from training_records.events import attendance, enrolment, planning
from training_records.events.models import HOW, PRESENCE, EventSession

roll = Blueprint("roll", __name__)


@roll.post("/events/<int:event_id>/people")
@access(OFFICES)
def nominate(event_id: int) -> Response:
    event, form = event_within(event_id), NominationForm.typed()

    def verb() -> str:
        is_organiser = (
            event.division_code.startswith(own_prefix()) and web.account().role in MANAGERS
        )
        attendees = read_attendance(web.db(), form.people.got, own_prefix(), on=web.today())
        if not attendees.found and not attendees.unclear:
            raise Refused("请写上要报的人，一行一个")
        ids = [p for p, _, _ in attendees.found]
        outcome = enrolment.nominate(
            web.db(),
            event,
            ids,
            prefix=own_prefix(),
            by=web.actor(),
            today=web.today(),
            own=is_organiser,
        )
        web.audit("event.nominate", f"event:{event.id}", {"people": len(outcome.taken)})
        names = {p: name for p, name, _ in attendees.found}
        messages = [f"报上 {len(outcome.taken)} 人。"]
        if outcome.waiting:
            messages.append(f"名额满了，{len(outcome.waiting)} 人候补。")
        if outcome.there:
            messages.append(f"{len(outcome.there)} 人已经在名单里。")
        messages += [f"{names[p]}没有报上：{why}。" for p, why in outcome.refused[:20]]
        messages += [f"“{line[:20]}”没有报上：{why}。" for line, why in attendees.unclear[:20]]
        return "".join(messages)

    return try_event(event_id, verb, form)


@roll.post("/events/<int:event_id>/decide")
@access(MANAGERS)
def decide(event_id: int) -> Response:
    event, form = own_event(event_id), DeclineForm.typed()

    def verb() -> str:
        people = [int(p) for p in sent_values("person") if p.isdecimal()][:5000]
        if not people:
            raise Refused("请先勾选人")
        if pressed("admit"):
            for person in people:
                attendance.admit(web.db(), event, person, by=web.actor(), today=web.today())
            return f"补进名单 {len(people)} 人，他们签过的到都算。"
        approved = pressed("approve")
        number = enrolment.decide(
            web.db(), event, people, approved=approved, reason=form.reason.got, by=web.actor()
        )
        return f"{'录取' if approved else '没有录取'} {number} 人。"

    return try_event(event_id, verb, form)


@roll.post("/events/<int:event_id>/withdraw/<int:person_id>")
@access(OFFICES)
def withdraw(event_id: int, person_id: int) -> Response:
    event, form = event_within(event_id), WithdrawForm.typed(person_id)
    web.scope().person(web.db(), person_id)

    def verb() -> str:
        promoted = enrolment.withdraw(
            web.db(), event, person_id, reason=form.reason.got, by=web.actor()
        )
        return "退出了。" + ("候补的第一个人补上了。" if promoted else "")

    return try_event(event_id, verb, form)


@roll.get("/events/<int:event_id>/sessions/<int:session_id>")
@access(OFFICES)
def board(event_id: int, session_id: int) -> str:
    """The attendance list of a session: check-in by hand, by badge numbers or by a photo of codes."""
    event = own_event(event_id)
    session = planning.get_session(web.db(), event, session_id)
    attended = attendance.attendance_of(web.db(), event)
    people = [(e, p) for e, p in enrolment.roll(web.db(), event) if e.state == "approved"]
    web.prefetch_division_names([e.division_code for e, _ in people])
    return render_template(
        "events/board.html",
        event=event,
        one=session,
        people=[(e, p, attended.get(p.id, {}).get(session.id)) for e, p in people],
        unlisted=[(p, s) for p, s in attendance.unlisted(web.db(), event) if session in s],
        presence=PRESENCE,
        how=HOW,
        open=attendance.check_in_open(session, now()),
        numbers=NumbersForm.shown(),
        forms={p.id: PresenceForm.shown(p.id) for _, p in people},
    )


@roll.post("/events/<int:event_id>/sessions/<int:session_id>/attendance")
@access(OFFICES)
def register(event_id: int, session_id: int) -> Response:
    event = own_event(event_id)
    session: EventSession = planning.get_session(web.db(), event, session_id)
    form: NumbersForm | PresenceForm
    if "numbers" in sent_fields():
        form = numbers = NumbersForm.typed()

        def verb() -> str:
            outcome = attendance.check_in_numbers(
                web.db(), session, numbers.numbers.got, late=numbers.late.data, by=web.actor()
            )
            message = f"补签到 {len(outcome.signed)} 人。"
            if outcome.again:
                message += f"{len(outcome.again)} 人早已签到。"
            if outcome.unknown:
                message += f"没有这些编号：{'、'.join(outcome.unknown[:20])}。"
            return message

    else:
        person = sent_id("person") or 0
        form = presence = PresenceForm.typed(person)

        def verb() -> str:
            enrolment.get_enrolment(web.db(), event, person)
            state, note = presence.state.got, presence.note.got
            attendance.mark(web.db(), session, person, state=state, note=note, by=web.actor())
            return "登记好了。"

    path = url_for("roll.board", event_id=event_id, session_id=session_id)
    return web.carry_out(verb, path, page=lambda: board(event_id, session_id), form=form)
