"""Pages of good-practice cases: directors and offices submit, districts accept, the city chooses."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.exemplars.jobs import ask_publication
from exam_app.web.access import EVERYONE, MANAGERS, access
from training_records.divisions import level_of
from training_records.errors import NotFound, Refused
from training_records.facts.loading import load_facts
from training_records.inspection import cases as verbs
from training_records.inspection.models import CASE_STATES, GoodCase
from training_records.ledger.models import Person

cases = Blueprint("cases", __name__)


def _items() -> dict[int, str]:
    return {t["item"]: t["title"] for t in load_facts().data["policy"]["tasks"]}


def _parts() -> dict[str, str]:
    return {name: request.form.get(name, "") for name in verbs.PARTS}


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


def _form(row: GoodCase | None, submitted: Mapping[str, object], refused: str = "") -> str:
    return render_template(
        "reports/case_form.html",
        row=row,
        told=submitted,
        refused=refused,
        items=_items(),
        parts=verbs.PARTS,
    )


@cases.get("/cases/new")
@access(EVERYONE)
def new() -> str:
    return _form(None, {})


@cases.post("/cases/new")
@access(EVERYONE)
def submit() -> str | Response | tuple[str, int]:
    form, account = request.form, web.account()
    try:
        verbs.submit(
            web.db(),
            account.division_code,
            web.today().year,
            item=form.get("item", 0, type=int),
            parts=_parts(),
            nameless="nameless" in form,
            by=web.actor(),
            person_id=account.person_id if account.role == "director" else None,
        )
    except Refused as refused:
        web.db().rollback()
        return _form(None, form.to_dict(), str(refused)), 422
    web.db().commit()
    flash(
        "案例交上去了。" + ("区（市）看过会答复您。" if account.role == "director" else ""), "good"
    )
    return redirect(url_for("cases.index"))


def _case(number: int) -> GoodCase:
    if web.account().role == "director":
        return verbs.own_case(web.db(), number, web.person_id())
    return verbs.get_case(web.db(), number, web.scope().prefix)


@cases.get("/cases/<int:number>")
@access(EVERYONE)
def show(number: int) -> str:
    row = _case(number)
    if web.account().role == "director" and row.state == "returned":
        return _form(row, {name: getattr(row, name) for name in verbs.PARTS})
    level = level_of(web.account().division_code)
    may = verbs.moves(row, level) if web.account().role in MANAGERS else ()
    return render_template(
        "reports/case.html", row=row, states=CASE_STATES, items=_items(), may=may, parts=verbs.PARTS
    )


@cases.post("/cases/<int:number>")
@access(EVERYONE)
def mend(number: int) -> str | Response | tuple[str, int]:
    """Resubmits a returned case of the director."""
    row = _case(number)
    if web.account().role != "director":
        raise NotFound("没有这个案例")
    try:
        verbs.mend(web.db(), row, _parts(), nameless="nameless" in request.form)
    except Refused as refused:
        web.db().rollback()
        return _form(row, request.form.to_dict(), str(refused)), 422
    web.db().commit()
    flash("改好交上去了。", "good")
    return redirect(url_for("cases.index"))


@cases.post("/cases/<int:number>/decide")
@access(MANAGERS)
def decide(number: int) -> Response:
    row = _case(number)

    def verb() -> str:
        form, level = request.form, level_of(web.account().division_code)
        before, state = row.state, form.get("state", "")
        verbs.decide(
            web.db(),
            row,
            level,
            state=state,
            comment=form.get("comment", ""),
            nameless="nameless" in form,
            by=web.actor(),
        )
        if "chosen" in (before, state):
            ask_publication(web.db(), web.account().division_code, web.actor())
        web.audit("case.decide", f"case:{row.id}", {"state": state})
        return f"记下了：{CASE_STATES[row.state]}。"

    return web.carry_out(verb, url_for("cases.show", number=number), page=lambda: show(number))
