"""Pages of model workers: candidates, nomination, consent, publication period, selection."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.exemplars.forms import NominationForm, ObjectionForm, ReplyForm, StepForm
from exam_app.exemplars.jobs import ask_publication
from exam_app.web.access import EVERYONE, LEARNERS, MANAGERS, access
from exam_app.web.forms import pressed, sent_id
from training_records.divisions import level_of
from training_records.errors import Refused
from training_records.exemplars import service
from training_records.exemplars.models import STATES, Exemplar
from training_records.ledger.service import load_person

exemplars = Blueprint("exemplars", __name__)


@exemplars.get("/exemplars")
@access(EVERYONE)
def index() -> str:
    """Directors see their own and the public nominations; offices see candidates and nominations."""
    session, account = web.db(), web.account()
    if account.role not in MANAGERS:
        public = service.exemplars_in(
            session, account.division_code[:6], states=("publicity", "chosen")
        )
        web.prefetch_division_names([e.village_code for e, _ in public])
        mine = service.exemplars_of(session, web.person_id())
        return render_template(
            "exemplars/mine.html",
            mine=mine,
            public=public,
            states=STATES,
            forms={e.id: ObjectionForm.shown(e.id) for e, _ in public},
        )
    prefix = web.scope().prefix
    year = request.args.get("year", web.today().year, type=int)
    candidates = service.candidates(session, prefix, year)
    rows = service.exemplars_in(session, prefix, year)
    web.prefetch_division_names([c.code for c in candidates] + [e.village_code for e, _ in rows])
    taken = {e.person_id for e, _ in rows if e.state not in ("declined", "withdrawn")}
    return render_template(
        "exemplars/index.html",
        year=year,
        candidates=[c for c in candidates if c.person.id not in taken],
        rows=rows,
        states=STATES,
        years=service.YEARS,
        may_nominate=level_of(account.division_code) == "district",
    )


@exemplars.get("/exemplars/nominate/<int:person_id>")
@access(MANAGERS)
def form(person_id: int) -> str:
    person = web.scope().person(web.db(), person_id)
    shown = NominationForm.shown(given={"year": web.today().year})
    return render_template("exemplars/nominate.html", person=person, form=shown)


@exemplars.post("/exemplars/nominate/<int:person_id>")
@access(MANAGERS)
def nominate(person_id: int) -> Response:
    person, sent = web.scope().person(web.db(), person_id), NominationForm.typed()
    made: list[int] = []

    def verb() -> str:
        row = service.nominate(
            web.db(),
            person,
            web.account().division_code,
            year=sent.year.data or web.today().year,
            material=sent.material.got,
            words=sent.words.got,
            today=web.today(),
            by=web.actor(),
        )
        web.audit("exemplar.nominate", f"person:{person.id}", {"year": row.year})
        made.append(row.id)
        return f"推荐了{person.name}。本人在手机上同意以后才能公示。"

    return web.carry_out(
        verb,
        url_for("exemplars.form", person_id=person_id),
        page=lambda: form(person_id),
        form=sent,
        target=lambda: url_for("exemplars.show", number=made[0]),
    )


def _nomination(number: int) -> Exemplar:
    return service.get_exemplar(web.db(), number, web.scope().prefix)


@exemplars.get("/exemplars/<int:number>")
@access(MANAGERS)
def show(number: int) -> str:
    row = _nomination(number)
    objections = service.objections_to(web.db(), row)
    return render_template(
        "exemplars/show.html",
        row=row,
        person=load_person(web.db(), row.person_id),
        objections=objections,
        step=StepForm.shown(given={"days": service.MIN_DAYS}),
        replies={o.id: ReplyForm.shown(o.id) for o in objections},
        states=STATES,
        city=level_of(web.account().division_code) == "city",
    )


@exemplars.post("/exemplars/<int:number>")
@access(MANAGERS)
def decide(number: int) -> Response:
    """Publishes a nomination, answers an objection, selects it (the city only), or declines it."""
    row, objection = _nomination(number), sent_id("objection")
    step, reply = StepForm.typed(), ReplyForm.typed(objection)

    def verb() -> str:
        session = web.db()
        if pressed("publish"):
            days = step.days.data or 0
            service.publish(session, row, days, today=web.today(), by=web.actor())
            message = f"公示到 {row.publicity_until}。"
        elif objection:
            service.answer(session, row, objection, text=reply.text.got, by=web.actor())
            message = "答复了。"
        elif pressed("choose"):
            if level_of(web.account().division_code) != "city":
                raise Refused("由市民政局选定")
            service.choose(session, row, web.today(), by=web.actor())
            ask_publication(session, web.account().division_code, web.actor())
            message = "选定了，记进了本人档案；知识库正在更新。"
        else:
            service.decline(session, row, step.text.got, by=web.actor())
            message = "记下了：没有选。"
        web.audit("exemplar.decide", f"exemplar:{row.id}", {"state": row.state})
        return message

    return web.carry_out(
        verb,
        url_for("exemplars.show", number=number),
        page=lambda: show(number),
        form=reply if objection else step,
    )


@exemplars.post("/exemplars/<int:number>/own")
@access(LEARNERS)
def own(number: int) -> Response:
    """The nominated person gives or withdraws consent."""

    def verb() -> str:
        row = service.own_exemplar(web.db(), number, web.person_id())
        if pressed("agree"):
            service.agree(web.db(), row, web.person_id())
            return "记下了：您同意。随时可以撤回。"
        if service.withdraw(web.db(), row, web.person_id(), by=web.actor()):
            ask_publication(web.db(), row.division_code, web.actor())
        return "撤回了。公布过的也会从知识库里去掉。"

    return web.carry_out(verb, url_for("exemplars.index"), page=index)


@exemplars.post("/exemplars/<int:number>/objection")
@access(LEARNERS)
def objection(number: int) -> Response:
    """Files an objection to a nomination in the account's district."""
    form, district = ObjectionForm.typed(number), web.account().division_code[:6]
    row = service.exemplar_of_district(web.db(), number, district)

    def verb() -> str:
        service.object_to(web.db(), row, form.text.got, today=web.today(), by=web.actor())
        return "意见交上去了，民政部门会答复。"

    return web.carry_out(verb, url_for("exemplars.index"), page=index, form=form)
