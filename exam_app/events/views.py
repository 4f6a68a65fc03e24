"""Pages of the offices: plan, events, sessions, quotas, the list, papers, filing, report."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.events import papers
from exam_app.events.codes import door_link
from exam_app.events.scores import scores_of
from exam_app.exams.models import Exam
from exam_app.scope import EVERYONE, MANAGERS, OFFICES, access
from training_records.archive import evidence
from training_records.archive.external import FORMS, read_attendance
from training_records.database import now
from training_records.divisions import children, division_names, get_division, level_of, prefix_of
from training_records.errors import NotFound, Refused
from training_records.events import attendance, enrolment, filing, planning, survey
from training_records.events.clashes import busy
from training_records.events.demonstration import demonstrations, repeatable
from training_records.events.files import attach, files_of
from training_records.events.models import (
    AUDIENCES,
    ENROLMENTS,
    HOW,
    PRESENCE,
    STATES,
    Event,
    EventSession,
    PlanLine,
)
from training_records.events.report import report_of

events = Blueprint("events", __name__)
PAPERS = {
    "notice.docx": "通知",
    "list.docx": "名单和签到表",
    "badges.pdf": "胸牌",
    "signs.pdf": "席卡",
    "report.docx": "总结报告",
}


def _prefix() -> str:
    return web.scope().prefix


def _event(event_id: int) -> Event:
    return planning.get_event(web.db(), event_id, _prefix())


def _own(event_id: int) -> Event:
    return planning.own_event(web.db(), event_id, _prefix())


def _organiser() -> str:
    own = get_division(web.db(), web.account().division_code)
    return f"{own.name}民政局" if own.level in ("city", "district") else own.name


def _moment(name: str, what: str) -> datetime:
    try:
        told = datetime.fromisoformat(request.form.get(name, ""))
    except ValueError:
        raise Refused(f"请填{what}") from None
    return told.replace(tzinfo=web.config().zone) if told.tzinfo is None else told


def _number(name: str, what: str) -> int:
    text = request.form.get(name, "").strip()
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise Refused(f"{what}要填整数")
    return int(text)


def _decimal(name: str, what: str) -> Decimal:
    try:
        value = Decimal(request.form.get(name, "").strip())
    except InvalidOperation:
        raise Refused(f"{what}要填数字") from None
    if not value.is_finite():
        raise Refused(f"{what}要填数字")
    return value


def _text(name: str, most: int) -> str:
    return " ".join(request.form.get(name, "").split())[:most]


def _do(event_id: int, verb: Callable[[], str | None]) -> Response:
    return web.try_to(verb, url_for("events.show", event_id=event_id))


@events.get("/events")
@access(EVERYONE)
def index() -> str | Response:
    if web.account().role == "director":
        return redirect(url_for("door.mine"))
    year = request.args.get("year", web.today().year, type=int)
    found = planning.events_for_office(web.db(), _prefix())
    codes = {e.division_code for e in found}
    return render_template(
        "events/index.html",
        year=year,
        events=found,
        names=division_names(web.db(), codes=codes),
        states=STATES,
        demonstrations=demonstrations(web.db(), _prefix(), year, web.config().zone),
        may_plan=web.account().role in MANAGERS,
        is_city=level_of(web.account().division_code) == "city",
        over=planning.is_over,
        audiences=AUDIENCES,
        repeatable=repeatable(web.db(), _prefix()),
    )


@events.get("/events/plan")
@access(MANAGERS)
def plan() -> str:
    return _plan()


def _plan(refused: str = "") -> str:
    year = request.values.get("year", web.today().year, type=int)
    lines = planning.plan_of(web.db(), _prefix(), year)
    begun = {
        e.plan_id: e
        for e in web.db().scalars(select(Event).where(Event.plan_id.in_([x.id for x in lines])))
    }
    return render_template(
        "events/plan.html",
        year=year,
        lines=lines,
        begun=begun,
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
        year = _number("year", "年份")
        if not 2020 <= year <= 2100:
            raise Refused("年份填 2020 到 2100")
        line = planning.add_plan(
            web.db(),
            web.account().division_code,
            year,
            web.actor(),
            month=_number("month", "月份"),
            title=_text("title", 60),
            audience=request.form.get("audience", ""),
            form=request.form.get("form", "面授")[:20],
            hours=_decimal("hours", "学时"),
            heads=_number("heads", "人数"),
            budget=_decimal("budget", "经费"),
            demonstration="demonstration" in request.form
            and level_of(web.account().division_code) == "city",
            note=_text("note", 200) or None,
        )
    except Refused as refused:
        web.db().rollback()
        return _plan(str(refused)), 422
    web.audit("plan.add", f"plan:{line.id}", {"title": line.title})
    web.db().commit()
    flash(f"“{line.title}”写进了 {line.year} 年的计划。", "good")
    return redirect(url_for("events.plan", year=line.year))


def _line(line_id: int) -> PlanLine:
    line = web.db().get(PlanLine, line_id)
    if line is None or line.division_code != web.account().division_code:
        raise NotFound("没有这项计划,或不是您这里的")
    return line


@events.post("/events/plan/<int:line_id>")
@access(MANAGERS)
def plan_line(line_id: int) -> Response:
    line = _line(line_id)
    if "remove" in request.form:
        back = url_for("events.plan", year=line.year)
        return web.try_to(lambda: planning.remove_plan(web.db(), line), back)
    event = planning.start_planned(web.db(), line, _organiser(), web.actor(), web.config().zone)
    web.audit("event.create", f"event:{event.id}", {"title": event.title})
    web.db().commit()
    return redirect(url_for("events.show", event_id=event.id))


@events.post("/events")
@access(MANAGERS)
def create() -> Response:
    def verb() -> str:
        parent = request.form.get("parent", type=int)
        known = {e.id: e for e in repeatable(web.db(), _prefix())}
        if parent is not None and parent not in known:
            raise Refused("没有这个示范培训")
        event = planning.create_event(
            web.db(),
            web.account().division_code,
            _organiser(),
            web.actor(),
            title=_text("title", 60),
            audience=request.form.get("audience", "director"),
            form="面授",
            capacity=_number("capacity", "名额"),
            parent_id=parent,
        )
        web.audit("event.create", f"event:{event.id}", {"title": event.title})
        made.append(event.id)
        return "建好了。接着安排课程、填地点,再发通知。"

    made: list[int] = []
    answer = web.try_to(verb, url_for("events.index"))
    return redirect(url_for("events.show", event_id=made[0])) if made else answer


@events.get("/events/<int:event_id>")
@access(OFFICES)
def show(event_id: int) -> str:
    event = _event(event_id)
    session, own = web.db(), event.division_code.startswith(_prefix())
    people = enrolment.roll(session, event, "" if own else _prefix())
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
    web.know_places([r.division_code for r, _ in people])
    exams = session.execute(
        select(Exam.id, Exam.title)
        .where(Exam.division_code == event.division_code)
        .order_by(Exam.id.desc())
        .limit(30)
    ).all()
    parent = session.get(Event, event.parent_id) if event.parent_id else None
    return render_template(
        "events/show.html",
        event=event,
        mine=own and web.account().role in MANAGERS,
        people=people,
        counts={s: sum(r.state == s for r, _ in people) for s in ENROLMENTS},
        quotas=quotas,
        used=used,
        below=below if len(below) <= 60 else [],
        notes=planning.notes_of(session, event),
        states=STATES,
        audiences=AUDIENCES,
        forms=FORMS,
        exams=exams,
        parent=parent,
        signed={s.id: attendance.counts(session, s) for s in event.sessions},
        over=planning.is_over(event),
        clashes=busy(session, [p.id for r, p in people if r.state == "approved"], event)
        if own and event.state == "open"
        else {},
        files=files_of(session, event, "material"),
        filed_on=filing.day_of(event, web.config().zone),
        door_open={s.id for s in event.sessions if attendance.door_is_open(s, now())},
    )


@events.post("/events/<int:event_id>")
@access(MANAGERS)
def edit(event_id: int) -> Response:
    event, form = _own(event_id), request.form

    def verb() -> str:
        exams = {
            name: form.get(name, type=int) for name in ("before_id", "after_id") if name in form
        }
        for number in exams.values():
            exam = web.db().get(Exam, number) if number else None
            if number and (exam is None or exam.division_code != event.division_code):
                raise Refused("没有这场考试,请重新选")
        values = {
            "title": _text("title", 60),
            "audience": form.get("audience", ""),
            "form": form.get("form", "")[:20],
            "organiser": _text("organiser", 60) or _organiser(),
            "place": _text("place", 60),
            "capacity": _number("capacity", "名额"),
            "contact": _text("contact", 60) or None,
            "note": form.get("note", "").strip()[:500] or None,
        }
        planning.edit(web.db(), event, web.actor(), values)
        for name, number in exams.items():
            setattr(event, name, number or None)
        event.nominate_by = (
            _moment("nominate_by", "报名截止时间") if form.get("nominate_by") else None
        )
        return "保存好了。"

    return _do(event_id, verb)


@events.post("/events/<int:event_id>/step")
@access(MANAGERS)
def step(event_id: int) -> Response:
    """Announce or cancel."""
    event = _own(event_id)

    def verb() -> str:
        if "cancel" in request.form:
            signed = planning.cancel(web.db(), event, _text("reason", 200), web.actor())
            web.audit("event.cancel", f"event:{event.id}", {"signed": signed})
            kept = f"已有 {signed} 人签过到,上过的课可以归档。" if signed else ""
            return f"培训取消了。{kept}"
        planning.announce(web.db(), event, web.actor())
        web.audit("event.announce", f"event:{event.id}")
        return "通知发布了。下级单位现在可以报名单。"

    return _do(event_id, verb)


@events.post("/events/<int:event_id>/sessions")
@access(MANAGERS)
def add_session(event_id: int) -> Response:
    event = _own(event_id)

    def verb() -> str:
        planning.add_session(web.db(), event, web.actor(), **_session_values())
        return "加好了。"

    return _do(event_id, verb)


def _session_values() -> dict[str, Any]:
    text, teacher_id = _text("teacher_phone", 20), None
    if text:
        found = read_attendance(web.db(), text, _prefix(), web.today()).found
        if len(found) != 1:
            raise Refused("授课人的手机号在台账里没有找到。不是儿童主任的就空着")
        teacher_id = found[0][0]
    return {
        "title": _text("title", 60),
        "starts_at": _moment("starts_at", "开始时间"),
        "ends_at": _moment("ends_at", "结束时间"),
        "place": _text("place", 60),
        "teacher": _text("teacher", 60),
        "teacher_id": teacher_id,
        "hours": _decimal("hours", "学时"),
    }


@events.post("/events/<int:event_id>/sessions/<int:session_id>")
@access(MANAGERS)
def change_session(event_id: int, session_id: int) -> Response:
    event = _own(event_id)
    one = planning.get_session(web.db(), event, session_id)

    def verb() -> str:
        reason = _text("reason", 200)
        if "drop" in request.form:
            planning.drop_session(web.db(), one, reason, web.actor())
            return "去掉了。"
        clash = planning.move_session(
            web.db(),
            one,
            _moment("starts_at", "开始时间"),
            _moment("ends_at", "结束时间"),
            reason,
            web.actor(),
        )
        told = f"有 {len(clash)} 人在新的时间另有培训,名单里标出来了。" if clash else ""
        return f"时间改好了。{told}"

    return _do(event_id, verb)


@events.post("/events/<int:event_id>/quotas")
@access(MANAGERS)
def quotas(event_id: int) -> Response:
    event = _own(event_id)

    def verb() -> str:
        if "share" in request.form:
            planning.share_quotas(web.db(), event, event.capacity)
            return "名额平均分好了,可以再改。"
        seats = {name[2:]: _number(name, "名额") for name in request.form if name.startswith("q-")}
        planning.set_quotas(web.db(), event, seats)
        return "名额保存好了。"

    return _do(event_id, verb)


@events.post("/events/<int:event_id>/people")
@access(OFFICES)
def nominate(event_id: int) -> Response:
    event = _event(event_id)

    def verb() -> str:
        own = event.division_code.startswith(_prefix()) and web.account().role in MANAGERS
        found = read_attendance(web.db(), request.form.get("people", ""), _prefix(), web.today())
        if not found.found and not found.unclear:
            raise Refused("请写上要报的人,一行一个")
        ids = [p for p, _, _ in found.found]
        done = enrolment.nominate(
            web.db(), event, ids, _prefix(), web.actor(), web.today(), own=own
        )
        web.audit("event.nominate", f"event:{event.id}", {"people": len(done.taken)})
        names = {p: name for p, name, _ in found.found}
        told = [f"报上 {len(done.taken)} 人。"]
        if done.waiting:
            told.append(f"名额满了,{len(done.waiting)} 人候补。")
        if done.there:
            told.append(f"{len(done.there)} 人已经在名单里。")
        told += [f"{names[p]}没有报上:{why}。" for p, why in done.refused[:20]]
        told += [f"“{line[:20]}”没有报上:{why}。" for line, why in found.unclear[:20]]
        return "".join(told)

    return _do(event_id, verb)


@events.post("/events/<int:event_id>/decide")
@access(MANAGERS)
def decide(event_id: int) -> Response:
    event = _own(event_id)

    def verb() -> str:
        people = [int(p) for p in request.form.getlist("person") if p.isdecimal()][:5000]
        if not people:
            raise Refused("请先勾选人")
        if "admit" in request.form:
            for person in people:
                attendance.admit(web.db(), event, person, web.actor(), web.today())
            return f"补进名单 {len(people)} 人,他们签过的到都算。"
        approved = "approve" in request.form
        number = enrolment.decide(
            web.db(), event, people, approved, _text("reason", 200), web.actor()
        )
        return f"{'录取' if approved else '没有录取'} {number} 人。"

    return _do(event_id, verb)


@events.post("/events/<int:event_id>/withdraw/<int:person_id>")
@access(OFFICES)
def withdraw(event_id: int, person_id: int) -> Response:
    event = _event(event_id)
    web.scope().person(web.db(), person_id)

    def verb() -> str:
        moved = enrolment.withdraw(web.db(), event, person_id, _text("reason", 200), web.actor())
        return "退出了。" + ("候补的第一个人补上了。" if moved else "")

    return _do(event_id, verb)


@events.get("/events/<int:event_id>/papers/<paper>")
@access(MANAGERS)
def paper(event_id: int, paper: str) -> Response:
    event = _own(event_id)
    session, zone = web.db(), web.config().zone
    if paper not in PAPERS:
        raise NotFound("没有这种文件")
    if paper == "notice.docx":
        data = papers.notice_docx(session, event, now(), zone)
    elif paper == "list.docx":
        data = papers.list_docx(session, event, zone)
    elif paper == "badges.pdf":
        people = [p.id for _, p in enrolment.roll(session, event)]
        data = papers.badges_pdf(session, event, {p: door_link(event.id, p) for p in people})
    elif paper == "signs.pdf":
        data = papers.signs_pdf(session, event)
    else:
        data = _report(event)
    name = f"{event.title}{PAPERS[paper]}.{paper.rpartition('.')[2]}"
    web.audit_read("event.paper", f"event:{event_id}", {"paper": paper})
    return web.attachment(data, web.DOCX if paper.endswith("docx") else "application/pdf", name)


def _report(event: Event) -> bytes:
    zone = web.config().zone
    pictures = []
    for shown, kept in files_of(web.db(), event, "photo")[:8]:
        data = evidence.read(web.db(), web.config().evidence, kept.sha256)[1]
        pictures.append((shown.caption or "培训现场", data))
    notes = [
        f"{n.at.astimezone(zone):%Y-%m-%d %H:%M} {n.text}"
        for n in reversed(planning.notes_of(web.db(), event))
    ]
    return papers.report_docx(
        web.db(),
        report_of(web.db(), event),
        scores_of(web.db(), event),
        pictures,
        notes,
        now(),
        zone,
    )


@events.get("/events/<int:event_id>/report")
@access(OFFICES)
def report(event_id: int) -> str:
    event = _event(event_id)
    return render_template(
        "events/report.html",
        event=event,
        report=report_of(web.db(), event),
        scores=scores_of(web.db(), event),
        files=files_of(web.db(), event, "photo"),
        questions=survey.QUESTIONS,
        fewest=survey.FEWEST,
        asked=survey.asked(web.db(), event),
        states=STATES,
        mine=event.division_code.startswith(_prefix()) and web.account().role in MANAGERS,
    )


@events.post("/events/<int:event_id>/files")
@access(MANAGERS)
def keep(event_id: int) -> Response:
    """A picture or material, and the words of the report."""
    event = _own(event_id)

    def verb() -> str:
        if "summary" in request.form:
            event.summary = request.form["summary"].strip()[:2000] or None
        file = request.files.get("file")
        if file is None or not file.filename:
            return "保存好了。"
        kind = "photo" if request.form.get("kind") == "photo" else "material"
        kept = evidence.keep(
            web.db(),
            web.config().evidence,
            file.read(),
            file.filename,
            event.division_code,
            web.actor(),
        )
        attach(web.db(), event, kept, kind, _text("caption", 60))
        return "传好了。"

    back = (
        url_for("events.report", event_id=event_id)
        if "summary" in request.form or request.form.get("kind") == "photo"
        else None
    )
    return web.try_to(verb, back or url_for("events.show", event_id=event_id))


@events.route("/events/<int:event_id>/file", methods=["GET", "POST"])
@access(MANAGERS)
def file(event_id: int) -> str | Response:
    """What would be filed, and the one confirmed step."""
    event = _own(event_id)
    if request.method == "POST":

        def verb() -> str:
            number = filing.file_event(
                web.db(), event, _text("confirmed_by", 40), web.actor(), web.config().zone
            )
            web.audit("event.file", f"event:{event.id}", {"people": number})
            return f"{number} 人的学时记进了培训档案。" if number else "早已归档,没有重复记。"

        return _do(event_id, verb)
    due, absent = filing.preview(web.db(), event)
    return render_template("events/file.html", event=event, due=due, absent=absent)


@events.get("/events/<int:event_id>/sessions/<int:session_id>")
@access(OFFICES)
def board(event_id: int, session_id: int) -> str:
    """The list of a session, to register by hand, by numbers, by a photo of codes."""
    event = _own(event_id)
    one = planning.get_session(web.db(), event, session_id)
    came = attendance.attendance_of(web.db(), event)
    people = [(e, p) for e, p in enrolment.roll(web.db(), event) if e.state == "approved"]
    web.know_places([e.division_code for e, _ in people])
    return render_template(
        "events/board.html",
        event=event,
        one=one,
        people=[(e, p, came.get(p.id, {}).get(one.id)) for e, p in people],
        unlisted=[(p, s) for p, s in attendance.unlisted(web.db(), event) if one in s],
        presence=PRESENCE,
        how=HOW,
        open=attendance.door_is_open(one, now()),
    )


@events.post("/events/<int:event_id>/sessions/<int:session_id>/attendance")
@access(OFFICES)
def register(event_id: int, session_id: int) -> Response:
    event = _own(event_id)
    one: EventSession = planning.get_session(web.db(), event, session_id)
    back = url_for("events.board", event_id=event_id, session_id=session_id)

    def verb() -> str:
        if "numbers" in request.form:
            done = attendance.type_numbers(
                web.db(), one, request.form["numbers"], "late" in request.form, web.actor()
            )
            told = f"补签到 {len(done.signed)} 人。"
            if done.again:
                told += f"{len(done.again)} 人早已签到。"
            if done.unknown:
                told += f"没有这些编号:{'、'.join(done.unknown[:20])}。"
            return told
        person = request.form.get("person", 0, type=int)
        enrolment.get_enrolment(web.db(), event, person)
        state = request.form.get("state", "")
        attendance.mark(web.db(), one, person, state, _text("note", 200), web.actor())
        return "登记好了。"

    return web.try_to(verb, back)
