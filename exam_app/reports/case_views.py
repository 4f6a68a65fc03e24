"""Pages of good-practice cases: directors and offices submit, districts accept, the city chooses."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.exemplars.jobs import ask_publication
from exam_app.reports.forms import CaseForm, VerdictForm
from exam_app.web.access import EVERYONE, MANAGERS, access
from exam_app.web.forms import sent_id, sent_values
from training_records.divisions import level_of
from training_records.errors import NotFound
from training_records.facts.loading import load_facts
from training_records.inspection import cases as verbs
from training_records.inspection.models import CASE_STATES, GoodCase
from training_records.ledger.models import Person

cases = Blueprint("cases", __name__)


def _items() -> dict[int, str]:
    return {t["item"]: t["title"] for t in load_facts().data["policy"]["tasks"]}


def _choices() -> list[tuple[str, str]]:
    return [(str(item), f"第 {item} 项 {title}") for item, title in _items().items()]


@cases.get("/cases")
@access(EVERYONE)
def index() -> str:
    """Offices see the cases in their scope; directors their own."""
    role = web.account().role
    year = request.args.get("year", web.today().year, type=int)
    rows: list[tuple[GoodCase, Person | None]]
    if role == "director":
        rows = [(case, None) for case in verbs.cases_of(web.db(), web.person_id())]
    else:
        rows = verbs.cases_in(web.db(), web.scope().prefix, year)
    web.prefetch_division_names([case.division_code for case, _ in rows])
    return render_template(
        "reports/cases.html", rows=rows, states=CASE_STATES, items=_items(), year=year
    )


@cases.get("/cases/new")
@access(EVERYONE)
def new() -> str:
    return render_template("reports/case_form.html", row=None, form=CaseForm.shown(item=_choices()))


@cases.post("/cases/new")
@access(EVERYONE)
def submit() -> Response:
    form, account = CaseForm.typed(item=_choices()), web.account()

    def verb() -> str:
        verbs.submit(
            web.db(),
            account.division_code,
            web.today().year,
            item=sent_id("item") or 0,
            parts=form.parts(),
            nameless=form.nameless.data,
            by=web.actor(),
            person_id=account.person_id if account.role == "director" else None,
        )
        return "案例交上去了。" + ("区（市）看过会答复您。" if account.role == "director" else "")

    return web.carry_out(
        verb, url_for("cases.new"), page=new, form=form, target=lambda: url_for("cases.index")
    )


def _case(number: int) -> GoodCase:
    if web.account().role == "director":
        return verbs.own_case(web.db(), number, web.person_id())
    return verbs.get_case(web.db(), number, web.scope().prefix)


@cases.get("/cases/<int:number>")
@access(EVERYONE)
def show(number: int) -> str:
    row = _case(number)
    if web.account().role == "director" and row.state == "returned":
        given = {name: getattr(row, name) for name in verbs.PARTS}
        form = CaseForm.shown(given=given, item=_choices())
        return render_template("reports/case_form.html", row=row, form=form)
    level = level_of(web.account().division_code)
    may = verbs.moves(row, level) if web.account().role in MANAGERS else ()
    return render_template(
        "reports/case.html",
        row=row,
        states=CASE_STATES,
        items=_items(),
        may=may,
        parts=verbs.PARTS,
        form=VerdictForm.shown(),
    )


@cases.post("/cases/<int:number>")
@access(EVERYONE)
def mend(number: int) -> Response:
    """Resubmits a returned case of the director."""
    row, form = _case(number), CaseForm.typed(item=_choices())
    if web.account().role != "director":
        raise NotFound("没有这个案例")

    def verb() -> str:
        verbs.mend(web.db(), row, form.parts(), nameless=form.nameless.data)
        return "改好交上去了。"

    return web.carry_out(
        verb,
        url_for("cases.show", number=number),
        page=lambda: show(number),
        form=form,
        target=lambda: url_for("cases.index"),
    )


@cases.post("/cases/<int:number>/decide")
@access(MANAGERS)
def decide(number: int) -> Response:
    row, form = _case(number), VerdictForm.typed()

    def verb() -> str:
        level = level_of(web.account().division_code)
        before, state = row.state, "".join(sent_values("state"))
        verbs.decide(
            web.db(),
            row,
            level,
            state=state,
            comment=form.comment.got,
            nameless=form.nameless.data,
            by=web.actor(),
        )
        if "chosen" in (before, state):
            ask_publication(web.db(), web.account().division_code, web.actor())
        web.audit("case.decide", f"case:{row.id}", {"state": state})
        return f"记下了：{CASE_STATES[row.state]}。"

    return web.carry_out(
        verb, url_for("cases.show", number=number), page=lambda: show(number), form=form
    )
