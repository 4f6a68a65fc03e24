"""Pages of the satisfaction survey (by printed codes) and of visit verification samples."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.web.access import MANAGERS, OFFICES, PUBLIC, access
from exam_app.work.views import day_of
from training_records.database import now
from training_records.divisions import full_name, prefix_of
from training_records.errors import NotFound, Refused
from training_records.ledger.service import directors_in, load_person, person_names
from training_records.typesetting import qr_svg, typeset
from training_records.work import checking, satisfaction
from training_records.work.models import FORMS

surveys = Blueprint("surveys", __name__)
MAX_PEOPLE = 120


@surveys.get("/satisfaction")
@access(MANAGERS)
def index() -> str:
    session, prefix = web.db(), web.scope().prefix
    year = web.today().year
    results = satisfaction.satisfaction_in(session, prefix, year)
    people = person_names(session, results)
    return render_template(
        "work/satisfaction.html",
        rounds=satisfaction.rounds_in(session, prefix),
        found=sorted(results.items(), key=lambda item: people.get(item[0], "")),
        people=people,
        fewest=satisfaction.MIN_ANSWERS,
        year=year,
    )


@surveys.post("/satisfaction")
@access(MANAGERS)
def begin() -> Response:
    def verb() -> str:
        closes = day_of(request.form.get("closes_on", ""), "截止日期")
        row = satisfaction.open_round(
            web.db(),
            web.account().division_code,
            web.today().year,
            closes_on=closes,
            by=web.actor(),
            today=web.today(),
        )
        web.audit("satisfaction.open", f"round:{row.id}")
        return "调查开始了。按镇（街）打印问卷码，剪开发给照护人和村民。"

    return web.try_to(verb, url_for("surveys.index"))


@surveys.post("/satisfaction/<int:round_id>/slips")
@access(MANAGERS)
def slips(round_id: int) -> Response:
    """Prints survey codes for the directors of a town. Revokes unused codes printed before."""
    session = web.db()
    round_ = satisfaction.get_round(session, round_id, web.scope().prefix)
    division = web.scope().division(session, request.form.get("division", "").strip())
    people = directors_in(session, prefix_of(division.code), web.today())
    if not people or len(people) > MAX_PEOPLE:
        flash(f"这里有 {len(people)} 名儿童主任。请填一个镇（街）的区划编码", "bad")
        return redirect(url_for("surveys.index"))
    issued = [
        (person.name, full_name(session, code), token)
        for person, code in people
        for token in satisfaction.issue(session, round_, person.id, today=web.today())
    ]
    web.audit("satisfaction.slips", f"round:{round_.id}", {"slips": len(issued)})
    until = round_.closes_on.isoformat()
    session.commit()
    content = {"until": until, "slips": [_slip(*slip) for slip in issued]}
    pdf = typeset(Path(__file__).parent / "slips.typ", content)
    return web.attachment(pdf, "application/pdf", f"{division.name}满意度问卷码.pdf")


def _slip(name: str, division: str, token: str) -> dict[str, str]:
    link = web.config().public_url + url_for("surveys.answer", token=token)
    grouped = f"{token[:5]}-{token[5:]}"
    return {"name": name, "place": division, "token": grouped, "qr": qr_svg(link)}


@surveys.route("/s/<token>", methods=["GET", "POST"])
@access(PUBLIC)
def answer(token: str) -> str | tuple[str, int]:
    """The survey page behind a code, without sign-in. Nothing about the respondent is stored."""
    context = {"questions": satisfaction.QUESTIONS, "marks": satisfaction.MARKS, "token": token}
    try:
        row, _ = satisfaction.ticket_of(web.db(), token, web.today())
    except NotFound as error:
        return render_template("work/answer.html", refused=str(error), name="", **context), 404
    name = load_person(web.db(), row.person_id).name
    if request.method == "POST":
        marks = {q: request.form.get(q, 0, type=int) for q in satisfaction.QUESTIONS}
        try:
            satisfaction.take(web.db(), token, marks, today=web.today())
        except (Refused, NotFound) as error:
            web.db().rollback()
            return render_template(
                "work/answer.html", refused=str(error), name=name, **context
            ), 422
        web.db().commit()
        return render_template("work/answer.html", done=True, name=name, **context)
    return render_template("work/answer.html", name=name, **context)


@surveys.get("/visit-checks")
@access(OFFICES)
def checks() -> str:
    rows = checking.checks_in(web.db(), web.scope().prefix)
    web.prefetch_division_names([c.division_code for _, _, c in rows])
    people = person_names(web.db(), {v.person_id for _, v, _ in rows})
    return render_template(
        "work/checks.html",
        rows=rows,
        people=people,
        forms=FORMS,
        since=date(web.today().year, 1, 1),
        seed=int(now().timestamp()) % 10**6,
    )


@surveys.post("/visit-checks")
@access(OFFICES)
def check() -> Response:
    def verb() -> str:
        if number := request.form.get("visit", type=int):
            checking.decide(
                web.db(),
                number,
                web.scope().prefix,
                confirmed="confirm" in request.form,
                note=request.form.get("note", ""),
                by=web.actor(),
            )
            return "记下了。"
        since = day_of(request.form.get("since", ""), "开始日期")
        until = day_of(request.form.get("until", ""), "截止日期")
        seed = request.form.get("seed", -1, type=int)
        new = checking.draw(
            web.db(), web.scope().prefix, since, until=until, seed=seed, by=web.actor()
        )
        web.audit("visits.draw", f"division:{web.account().division_code}", {"seed": seed})
        return f"抽到 {new} 次走访，每人最多 {checking.EACH} 次。种子是 {seed}。"

    return web.try_to(verb, url_for("surveys.checks"))
