"""Pages of the spot checks."""

from __future__ import annotations

import secrets
from datetime import timedelta

from flask import Blueprint, render_template, url_for
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.spot import service
from exam_app.spot.forms import DrawForm, FoundForm, LookForm, MendedForm
from exam_app.spot.models import SpotItemState
from exam_app.web.access import MANAGERS, access
from exam_app.web.forms import pressed
from training_records.divisions import full_name, get_division
from training_records.errors import NotFound
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
        form=DrawForm.shown(
            given={
                "size": 20,
                "seed": secrets.randbelow(900_000) + 100_000,
                "due": web.today() + timedelta(days=30),
            }
        ),
    )


@spot.post("/spot")
@access(MANAGERS)
def draw() -> Response:
    form, made = DrawForm.typed(), list[int]()

    def verb() -> None:
        division = web.scope().division(web.db(), form.division.got or None)
        check = service.draw(
            web.db(),
            division.code,
            form.size.got,
            seed=form.seed.got,
            due_on=form.due.got,
            today=web.today(),
            by=web.actor(),
        )
        detail = {"seed": check.seed, "size": len(check.items)}
        web.audit("spot.draw", f"spot:{check.id}", detail)
        made.append(check.id)

    return web.carry_out(
        verb,
        url_for("spot.index"),
        page=index,
        form=form,
        target=lambda: url_for("spot.show", check_id=made[0]),
    )


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
        look={i.person_id: LookForm.shown(i.person_id) for i in check.items},
        mended={i.person_id: MendedForm.shown(i.person_id) for i in check.items},
        states=STATES,
        left=sum(i.state == "open" for i in check.items),
        wrong=sum(i.state == "wrong" for i in check.items),
    )


@spot.post("/spot/<int:check_id>/<int:person_id>")
@access(MANAGERS)
def look(check_id: int, person_id: int) -> Response:
    check = service.get_check(web.db(), check_id, web.scope().prefix)
    if all(item.person_id != person_id for item in check.items):
        raise NotFound("这次没有抽到这个人")
    form: FoundForm | MendedForm
    if pressed("again"):
        form = mended = MendedForm.typed(person_id)

        def verb() -> str:
            words = mended.again.got
            service.look_again(web.db(), check, person_id, words=words, by=web.actor())
            return "记下了。"

    else:
        form = found = LookForm.typed(person_id)

        def verb() -> str:
            answers = {q: found[q].data == "yes" for q in service.QUESTIONS}
            finding = found.finding.got
            service.look(
                web.db(), check, person_id, answers=answers, finding=finding, by=web.actor()
            )
            return "记下了。"

    return web.carry_out(
        verb,
        url_for("spot.show", check_id=check_id),
        page=lambda: show(check_id),
        form=form,
        target=lambda: url_for("spot.show", check_id=check_id, _anchor=f"p{person_id}"),
    )
