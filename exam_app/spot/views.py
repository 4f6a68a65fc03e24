"""Pages of the spot checks."""

from __future__ import annotations

import secrets
from datetime import date, timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.spot import service
from exam_app.spot.models import SpotItemState
from exam_app.web.access import MANAGERS, access
from training_records.divisions import full_name, get_division
from training_records.errors import Refused
from training_records.ledger.service import person_names

spot = Blueprint("spot", __name__)
STATES: dict[SpotItemState, str] = {
    "open": "还没看",
    "fine": "符合",
    "wrong": "要整改",
    "mended": "已整改",
}


@spot.get("/spot")
@access(MANAGERS)
def index() -> str:
    checks = service.checks_in(web.db(), web.scope().prefix)
    places = {c.division_code: get_division(web.db(), c.division_code).name for c in checks}
    return render_template(
        "spot/index.html",
        checks=checks,
        places=places,
        seed=secrets.randbelow(900_000) + 100_000,
        due=web.today() + timedelta(days=30),
    )


@spot.post("/spot")
@access(MANAGERS)
def draw() -> Response:
    division = web.scope().division(web.db(), request.form.get("division") or None)
    try:
        due = date.fromisoformat(request.form.get("due", ""))
        size, seed = int(request.form.get("size", "")), int(request.form.get("seed", ""))
    except ValueError:
        raise Refused("份数和种子填整数，期限写成 2026-12-31 这样") from None
    check = service.draw(
        web.db(), division.code, size, seed=seed, due_on=due, today=web.today(), by=web.actor()
    )
    web.audit("spot.draw", f"spot:{check.id}", {"seed": seed, "size": len(check.items)})
    web.db().commit()
    return redirect(url_for("spot.show", check_id=check.id))


@spot.get("/spot/<int:check_id>")
@access(MANAGERS)
def show(check_id: int) -> str:
    check = service.get_check(web.db(), check_id, web.scope().prefix)
    people = person_names(web.db(), [i.person_id for i in check.items])
    return render_template(
        "spot/show.html",
        check=check,
        people=people,
        division=get_division(web.db(), check.division_code),
        places={i.code: full_name(web.db(), i.code) for i in check.items},
        questions=service.QUESTIONS,
        states=STATES,
        left=sum(i.state == "open" for i in check.items),
        wrong=sum(i.state == "wrong" for i in check.items),
    )


@spot.post("/spot/<int:check_id>/<int:person_id>")
@access(MANAGERS)
def look(check_id: int, person_id: int) -> Response:
    check = service.get_check(web.db(), check_id, web.scope().prefix)
    if "again" in request.form:
        service.look_again(web.db(), check, person_id, words=request.form["again"], by=web.actor())
    else:
        answers = {q: request.form[q] == "yes" for q in service.QUESTIONS if q in request.form}
        finding = request.form.get("finding", "")
        service.look(web.db(), check, person_id, answers=answers, finding=finding, by=web.actor())
    web.db().commit()
    flash("记下了。", "good")
    return redirect(url_for("spot.show", check_id=check_id, _anchor=f"p{person_id}"))
