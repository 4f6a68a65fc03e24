"""Event pages of the offices: plan, events, sessions, quotas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.events.forms import (
    decimal,
    event_within,
    moment,
    organiser,
    own_event,
    own_prefix,
    whole_number,
    words,
)
from exam_app.exams.administration import exams_of_division, is_exam_of
from exam_app.web.access import EVERYONE, MANAGERS, OFFICES, access
from training_records.archive.external import FORMS, read_attendance
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
)

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
        audiences=AUDIENCES,
        repeatable=repeatable(web.db(), own_prefix()),
    )


@events.get("/events/plan")
@access(MANAGERS)
def plan() -> str:
    return _plan()


def _plan(refused: str = "") -> str:
    year = request.values.get("year", web.today().year, type=int)
    lines = planning.plan_of(web.db(), own_prefix(), year)
    return render_template(
        "events/plan.html",
        year=year,
        lines=lines,
        begun=planning.begun(web.db(), lines),
        names=division_names(web.db(), codes={x.division_code for x in lines}),
        audiences=AUDIENCES,
        forms=FORMS,
        states=STATES,
        refused=refused,
        own_code=web.account().division_code,
        is_city=level_of(web.account().division_code) == "city",
    )


@events.post("/events/plan")
@access(MANAGERS)
def add_plan() -> Response | tuple[str, int]:
    try:
        year = whole_number("year", "年份")
        if not 2020 <= year <= 2100:
            raise Refused("年份填 2020 到 2100")
        line = planning.add_plan(
            web.db(),
            web.account().division_code,
            year,
            by=web.actor(),
            month=whole_number("month", "月份"),
            title=words("title", 60),
            audience=request.form.get("audience", ""),
            form=request.form.get("form", "面授")[:20],
            hours=decimal("hours", "学时"),
            heads=whole_number("heads", "人数"),
            budget=decimal("budget", "经费"),
            demonstration="demonstration" in request.form
            and level_of(web.account().division_code) == "city",
            note=words("note", 200) or None,
        )
    except Refused as refused:
        web.db().rollback()
        return _plan(str(refused)), 422
    web.audit("plan.add", f"plan:{line.id}", {"title": line.title})
    web.db().commit()
    flash(f"“{line.title}”写进了 {line.year} 年的计划。", "good")
    return redirect(url_for("events.plan", year=line.year))


@events.post("/events/plan/<int:line_id>")
@access(MANAGERS)
def plan_line(line_id: int) -> Response:
    line = planning.get_line(web.db(), line_id, web.account().division_code)
    if "remove" in request.form:
        target = url_for("events.plan", year=line.year)
        return web.carry_out(lambda: planning.remove_plan(web.db(), line), target, page=plan)
    event = planning.start_planned(
        web.db(), line, organiser(), by=web.actor(), zone=web.config().zone
    )
    web.audit("event.create", f"event:{event.id}", {"title": event.title})
    web.db().commit()
    return redirect(url_for("events.show", event_id=event.id))


@events.post("/events")
@access(MANAGERS)
def create() -> Response:
    def verb() -> str:
        parent = request.form.get("parent", type=int)
        parents = {e.id: e for e in repeatable(web.db(), own_prefix())}
        if parent is not None and parent not in parents:
            raise Refused("没有这个示范培训")
        event = planning.create_event(
            web.db(),
            web.account().division_code,
            organiser(),
            by=web.actor(),
            title=words("title", 60),
            audience=request.form.get("audience", "director"),
            form="面授",
            capacity=whole_number("capacity", "名额"),
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
        forms=FORMS,
        exams=exams_of_division(session, event.division_code),
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


def try_event(event_id: int, verb: Callable[[], str | None]) -> Response:
    """Carries out a form of the event's page."""
    return web.carry_out(
        verb, url_for("events.show", event_id=event_id), page=lambda: show(event_id)
    )


@events.post("/events/<int:event_id>")
@access(MANAGERS)
def edit(event_id: int) -> Response:
    event, form = own_event(event_id), request.form

    def verb() -> str:
        exams = {
            name: form.get(name, type=int) for name in ("before_id", "after_id") if name in form
        }
        for number in exams.values():
            if number and not is_exam_of(web.db(), number, event.division_code):
                raise Refused("没有这场考试，请重新选")
        values = {
            "title": words("title", 60),
            "audience": form.get("audience", ""),
            "form": form.get("form", "")[:20],
            "organiser": words("organiser", 60) or organiser(),
            "place": words("place", 60),
            "capacity": whole_number("capacity", "名额"),
            "contact": words("contact", 60) or None,
            "note": form.get("note", "").strip()[:500] or None,
        }
        planning.edit(web.db(), event, web.actor(), values=values)
        for name, number in exams.items():
            setattr(event, name, number or None)
        event.nominate_by = (
            moment("nominate_by", "报名截止时间") if form.get("nominate_by") else None
        )
        return "保存好了。"

    return try_event(event_id, verb)


@events.post("/events/<int:event_id>/step")
@access(MANAGERS)
def step(event_id: int) -> Response:
    """Announces or cancels an event."""
    event = own_event(event_id)

    def verb() -> str:
        if "cancel" in request.form:
            signed = planning.cancel(web.db(), event, words("reason", 200), by=web.actor())
            web.audit("event.cancel", f"event:{event.id}", {"signed": signed})
            notice = f"已有 {signed} 人签过到，上过的课可以归档。" if signed else ""
            return f"培训取消了。{notice}"
        planning.announce(web.db(), event, web.actor())
        web.audit("event.announce", f"event:{event.id}")
        return "通知发布了。下级单位现在可以报名单。"

    return try_event(event_id, verb)


@events.post("/events/<int:event_id>/sessions")
@access(MANAGERS)
def add_session(event_id: int) -> Response:
    event = own_event(event_id)

    def verb() -> str:
        planning.add_session(web.db(), event, web.actor(), **_session_values())
        return "加好了。"

    return try_event(event_id, verb)


def _session_values() -> dict[str, Any]:
    text, teacher_id = words("teacher_phone", 20), None
    if text:
        matches = read_attendance(web.db(), text, own_prefix(), on=web.today()).found
        if len(matches) != 1:
            raise Refused("授课人的手机号在台账里没有找到。不是儿童主任的就空着")
        teacher_id = matches[0][0]
    return {
        "title": words("title", 60),
        "starts_at": moment("starts_at", "开始时间"),
        "ends_at": moment("ends_at", "结束时间"),
        "place": words("place", 60),
        "teacher": words("teacher", 60),
        "teacher_id": teacher_id,
        "hours": decimal("hours", "学时"),
    }


@events.post("/events/<int:event_id>/sessions/<int:session_id>")
@access(MANAGERS)
def change_session(event_id: int, session_id: int) -> Response:
    event = own_event(event_id)
    session = planning.get_session(web.db(), event, session_id)

    def verb() -> str:
        reason = words("reason", 200)
        if "drop" in request.form:
            planning.drop_session(web.db(), session, reason, by=web.actor())
            return "去掉了。"
        clash = planning.move_session(
            web.db(),
            session,
            moment("starts_at", "开始时间"),
            ends_at=moment("ends_at", "结束时间"),
            reason=reason,
            by=web.actor(),
        )
        notice = f"有 {len(clash)} 人在新的时间另有培训，名单里标出来了。" if clash else ""
        return f"时间改好了。{notice}"

    return try_event(event_id, verb)


@events.post("/events/<int:event_id>/quotas")
@access(MANAGERS)
def quotas(event_id: int) -> Response:
    event = own_event(event_id)

    def verb() -> str:
        if "share" in request.form:
            planning.share_quotas(web.db(), event, event.capacity)
            return "名额平均分好了，可以再改。"
        seats = {
            name[2:]: whole_number(name, "名额") for name in request.form if name.startswith("q-")
        }
        planning.set_quotas(web.db(), event, seats)
        return "名额保存好了。"

    return try_event(event_id, verb)
