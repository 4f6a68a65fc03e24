"""Event pages of the offices: plan, events, sessions, quotas."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.events.forms import (
    CancelForm,
    DeclineForm,
    EventForm,
    EventSettingsForm,
    FileForm,
    MoveForm,
    NominationForm,
    PlanForm,
    SessionForm,
    WithdrawForm,
    event_within,
    organiser,
    own_event,
    own_prefix,
)
from exam_app.exams.administration import exams_of_division, is_exam_of
from exam_app.web.access import EVERYONE, MANAGERS, OFFICES, access
from exam_app.web.forms import Form, pressed, sent_fields, sent_id
from question_bank.clean import clean_number
from training_records.archive.external import read_attendance
from training_records.archive.forms import form_label
from training_records.database import now
from training_records.divisions import children, division_names, level_of, prefix_of
from training_records.errors import Refused
from training_records.events import attendance, enrolment, filing, planning
from training_records.events.clashes import busy
from training_records.events.demonstration import demonstrations, repeatable
from training_records.events.files import files_of
from training_records.events.models import (
    AUDIENCES,
    ENROLMENTS,
    STATES,
    Enrolment,
    Event,
)
from training_records.ledger.models import Person

events = Blueprint("events", __name__)


@events.get("/events")
@access(EVERYONE)
def index() -> str | Response:
    if web.account().role == "director":
        return redirect(url_for("check_in.mine"))
    year = request.args.get("year", web.today().year, type=int)
    shown = planning.events_for_office(web.db(), own_prefix())
    codes = {e.division_code for e in shown}
    return render_template(
        "events/index.html",
        year=year,
        events=shown,
        names=division_names(web.db(), codes=codes),
        states=STATES,
        demonstrations=demonstrations(web.db(), own_prefix(), year, zone=web.config().zone),
        may_plan=web.account().role in MANAGERS,
        is_city=level_of(web.account().division_code) == "city",
        over=planning.is_over,
        form=EventForm.shown(parent=_parents()),
    )


def _parents() -> list[tuple[str, str]]:
    return [("", "不是")] + [(str(e.id), e.title) for e in repeatable(web.db(), own_prefix())]


@events.get("/events/plan")
@access(MANAGERS)
def plan() -> str:
    return _plan(request.args.get("year", web.today().year, type=int))


def _plan(year: int) -> str:
    lines = planning.plan_of(web.db(), own_prefix(), year)
    return render_template(
        "events/plan.html",
        year=year,
        lines=lines,
        begun=planning.begun(web.db(), lines),
        names=division_names(web.db(), codes={x.division_code for x in lines}),
        audiences=AUDIENCES,
        states=STATES,
        form=PlanForm.shown(given={"year": year}),
        own_code=web.account().division_code,
        is_city=level_of(web.account().division_code) == "city",
    )


@events.post("/events/plan")
@access(MANAGERS)
def add_plan() -> Response:
    form = PlanForm.typed()
    year = form.year.data or web.today().year

    def verb() -> str:
        line = planning.add_plan(
            web.db(),
            web.account().division_code,
            form.year.got,
            by=web.actor(),
            month=form.month.got,
            title=form.title.got,
            audience=form.audience.got,
            form=form.form.got[:20] or "面授",
            hours=form.hours.got,
            heads=form.heads.got,
            budget=form.budget.got,
            demonstration=form.demonstration.data
            and level_of(web.account().division_code) == "city",
            note=form.note.got or None,
        )
        web.audit("plan.add", f"plan:{line.id}", {"title": line.title})
        return f"“{line.title}”写进了 {line.year} 年的计划。"

    path = url_for("events.plan", year=year)
    return web.carry_out(verb, path, page=lambda: _plan(year), form=form)


@events.post("/events/plan/<int:line_id>")
@access(MANAGERS)
def plan_line(line_id: int) -> Response:
    line = planning.get_line(web.db(), line_id, web.account().division_code)
    if pressed("remove"):
        year, path = line.year, url_for("events.plan", year=line.year)
        return web.carry_out(
            lambda: planning.remove_plan(web.db(), line), path, page=lambda: _plan(year)
        )
    event = planning.start_planned(
        web.db(), line, organiser(), by=web.actor(), zone=web.config().zone
    )
    web.audit("event.create", f"event:{event.id}", {"title": event.title})
    web.db().commit()
    return redirect(url_for("events.show", event_id=event.id))


@events.post("/events")
@access(MANAGERS)
def create() -> Response:
    form = EventForm.typed(parent=_parents())

    def verb() -> str:
        parent = sent_id("parent")
        parents = {e.id: e for e in repeatable(web.db(), own_prefix())}
        if parent is not None and parent not in parents:
            raise Refused("没有这个示范培训")
        event = planning.create_event(
            web.db(),
            web.account().division_code,
            organiser(),
            by=web.actor(),
            title=form.title.got,
            audience=form.audience.got or "director",
            form="面授",
            capacity=form.capacity.got,
            parent_id=parent,
        )
        web.audit("event.create", f"event:{event.id}", {"title": event.title})
        created.append(event.id)
        return "建好了。接着安排课程、填地点，再发通知。"

    created: list[int] = []
    return web.carry_out(
        verb,
        url_for("events.index"),
        page=index,
        form=form,
        target=lambda: url_for("events.show", event_id=created[0]),
    )


@events.get("/events/<int:event_id>")
@access(OFFICES)
def show(event_id: int) -> str:
    event = event_within(event_id)
    session, is_organiser = web.db(), event.division_code.startswith(own_prefix())
    people = enrolment.roll(session, event, "" if is_organiser else own_prefix())
    quotas = planning.quotas_of(session, event)
    below = (
        children(session, event.division_code) if level_of(event.division_code) != "town" else []
    )
    used: dict[str, int] = {}
    for row, _ in people:
        if row.state in ("nominated", "approved"):
            for code in quotas:
                if row.division_code.startswith(prefix_of(code)):
                    used[code] = used.get(code, 0) + 1
    web.prefetch_division_names([r.division_code for r, _ in people])
    return render_template(
        "events/show.html",
        event=event,
        mine=is_organiser and web.account().role in MANAGERS,
        people=people,
        counts={s: sum(r.state == s for r, _ in people) for s in ENROLMENTS},
        quotas=quotas,
        used=used,
        below=below if len(below) <= 60 else [],
        notes=planning.notes_of(session, event, own_prefix()),
        states=STATES,
        audiences=AUDIENCES,
        forms=_forms(event, quotas, people),
        parent=planning.parent_of(session, event),
        signed={s.id: attendance.counts(session, s) for s in event.sessions},
        over=planning.is_over(event),
        clashes=busy(session, [p.id for r, p in people if r.state == "approved"], event)
        if is_organiser and event.state == "open"
        else {},
        files=files_of(session, event, "material"),
        filed_on=filing.day_of(event, web.config().zone),
        door_open={s.id for s in event.sessions if attendance.check_in_open(s, now())},
    )


def _exams(event: Event) -> list[tuple[str, str]]:
    exams = exams_of_division(web.db(), event.division_code)
    return [("0", "没有")] + [(str(number), title) for number, title in exams]


def _forms(
    event: Event, quotas: Mapping[str, int], people: Sequence[tuple[Enrolment, Person]]
) -> dict[str, Any]:
    """The forms of the event's page; those of a row by its id."""
    zone = web.config().zone
    names = ("title", "place", "capacity", "audience", "organiser", "contact", "note")
    settings = {
        **{name: getattr(event, name) for name in names},
        "form": form_label(event.form),
        "nominate_by": event.nominate_by and event.nominate_by.astimezone(zone),
        "before_id": str(event.before_id or 0),
        "after_id": str(event.after_id or 0),
    }
    exams = _exams(event)
    return {
        "settings": EventSettingsForm.shown(given=settings, before_id=exams, after_id=exams),
        "session": SessionForm.shown(),
        "move": {
            s.id: MoveForm.shown(
                s.id,
                given={
                    "starts_at": s.starts_at.astimezone(zone),
                    "ends_at": s.ends_at.astimezone(zone),
                },
            )
            for s in event.sessions
        },
        "cancel": CancelForm.shown(),
        "nominate": NominationForm.shown(),
        "decline": DeclineForm.shown(),
        "file": FileForm.shown(),
        "withdraw": {p.id: WithdrawForm.shown(p.id) for _, p in people},
    }


def try_event(event_id: int, verb: Callable[[], str | None], form: Form | None = None) -> Response:
    """Carries out a form of the event's page."""
    path = url_for("events.show", event_id=event_id)
    return web.carry_out(verb, path, page=lambda: show(event_id), form=form)


@events.post("/events/<int:event_id>")
@access(MANAGERS)
def edit(event_id: int) -> Response:
    event = own_event(event_id)
    choices = _exams(event)
    form = EventSettingsForm.typed(before_id=choices, after_id=choices)

    def verb() -> str:
        # Where the form leaves one out, it stays.
        exams = {f.name: int(f.got or 0) for f in (form.before_id, form.after_id) if f.raw_data}
        for number in exams.values():
            if number and not is_exam_of(web.db(), number, event.division_code):
                raise Refused("没有这场考试，请重新选")
        values = {
            "title": form.title.got,
            "audience": form.audience.got,
            "form": form.form.got[:20],
            "organiser": form.organiser.got or organiser(),
            "place": form.place.got,
            "capacity": form.capacity.got,
            "contact": form.contact.got or None,
            "note": form.note.got or None,
        }
        planning.edit(web.db(), event, web.actor(), values=values)
        for name, number in exams.items():
            setattr(event, name, number or None)
        event.nominate_by = form.nominate_by.data
        return "保存好了。"

    return try_event(event_id, verb, form)


@events.post("/events/<int:event_id>/step")
@access(MANAGERS)
def step(event_id: int) -> Response:
    """Announces or cancels an event."""
    event, form = own_event(event_id), CancelForm.typed()

    def verb() -> str:
        if pressed("cancel"):
            signed = planning.cancel(web.db(), event, form.reason.got, by=web.actor())
            web.audit("event.cancel", f"event:{event.id}", {"signed": signed})
            notice = f"已有 {signed} 人签过到，上过的课可以归档。" if signed else ""
            return f"培训取消了。{notice}"
        planning.announce(web.db(), event, web.actor())
        web.audit("event.announce", f"event:{event.id}")
        return "通知发布了。下级单位现在可以报名单。"

    return try_event(event_id, verb, form)


@events.post("/events/<int:event_id>/sessions")
@access(MANAGERS)
def add_session(event_id: int) -> Response:
    event, form = own_event(event_id), SessionForm.typed()

    def verb() -> str:
        planning.add_session(web.db(), event, web.actor(), **_session_values(form))
        return "加好了。"

    return try_event(event_id, verb, form)


def _session_values(form: SessionForm) -> dict[str, Any]:
    teacher_id = None
    if text := form.teacher_phone.got:
        matches = read_attendance(web.db(), text, own_prefix(), on=web.today()).found
        if len(matches) != 1:
            raise Refused("授课人的手机号在台账里没有找到。不是儿童主任的就空着")
        teacher_id = matches[0][0]
    return {
        "title": form.title.got,
        "starts_at": form.starts_at.got,
        "ends_at": form.ends_at.got,
        "place": form.place.got,
        "teacher": form.teacher.got,
        "teacher_id": teacher_id,
        "hours": form.hours.got,
    }


@events.post("/events/<int:event_id>/sessions/<int:session_id>")
@access(MANAGERS)
def change_session(event_id: int, session_id: int) -> Response:
    event, form = own_event(event_id), MoveForm.typed(session_id)
    session = planning.get_session(web.db(), event, session_id)

    def verb() -> str:
        reason = form.reason.got
        if pressed("drop"):
            planning.drop_session(web.db(), session, reason, by=web.actor())
            return "去掉了。"
        if form.starts_at.data is None or form.ends_at.data is None:
            raise Refused("请填开始时间和结束时间")
        clash = planning.move_session(
            web.db(),
            session,
            form.starts_at.data,
            ends_at=form.ends_at.data,
            reason=reason,
            by=web.actor(),
        )
        notice = f"有 {len(clash)} 人在新的时间另有培训，名单里标出来了。" if clash else ""
        return f"时间改好了。{notice}"

    return try_event(event_id, verb, form)


@events.post("/events/<int:event_id>/quotas")
@access(MANAGERS)
def quotas(event_id: int) -> Response:
    event = own_event(event_id)

    def verb() -> str:
        if pressed("share"):
            planning.share_quotas(web.db(), event, event.capacity)
            return "名额平均分好了，可以再改。"
        seats = {name[2:]: _seats(text) for name, text in sent_fields().items() if name[:2] == "q-"}
        planning.set_quotas(web.db(), event, seats)
        return "名额保存好了。"

    return try_event(event_id, verb)


def _seats(text: str) -> int:
    number = clean_number(text)
    if not re.fullmatch(r"[0-9]{1,9}", number):
        raise Refused("名额要填整数")
    return int(number)
