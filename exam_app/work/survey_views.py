"""Pages of the satisfaction survey (by printed codes) and of visit verification samples."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.web.access import MANAGERS, OFFICES, PUBLIC, access
from exam_app.web.forms import pressed, sent_id
from exam_app.work.forms import DrawForm, FindingForm, RoundForm, SlipsForm
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
    rounds = satisfaction.rounds_in(session, prefix)
    return render_template(
        "work/satisfaction.html",
        rounds=rounds,
        found=sorted(results.items(), key=lambda item: people.get(item[0], "")),
        people=people,
        fewest=satisfaction.MIN_ANSWERS,
        year=year,
        start=RoundForm.shown(),
        slips={r.id: SlipsForm.shown(r.id) for r in rounds},
    )


@surveys.post("/satisfaction")
@access(MANAGERS)
def begin() -> Response:
    form = RoundForm.typed()

    def verb() -> str:
        row = satisfaction.open_round(
            web.db(),
            web.account().division_code,
            web.today().year,
            closes_on=form.closes_on.got,
            by=web.actor(),
            today=web.today(),
        )
        web.audit("satisfaction.open", f"round:{row.id}")
        return "调查开始了。按镇（街）打印问卷码，剪开发给照护人和村民。"

    return web.carry_out(verb, url_for("surveys.index"), page=index, form=form)


@surveys.post("/satisfaction/<int:round_id>/slips")
@access(MANAGERS)
def slips(round_id: int) -> Response:
    """Prints survey codes for the directors of a town. Revokes unused codes printed before."""
    session = web.db()
    round_ = satisfaction.get_round(session, round_id, web.scope().prefix)
    form = SlipsForm.typed(round_id)
    path = url_for("surveys.index")
    if not form.validate():
        return web.give_back(index, path, form=form)
    division = web.scope().division(session, form.division.data)
    people = directors_in(session, prefix_of(division.code), web.today())
    if not people or len(people) > MAX_PEOPLE:
        refusal = f"这里有 {len(people)} 名儿童主任。请填一个镇（街）的区划编码"
        return web.give_back(index, path, form=form, refusal=refusal)
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
        marks = {q: sent_id(q) or 0 for q in satisfaction.QUESTIONS}
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
        draw=DrawForm.shown(
            given={
                "since": date(web.today().year, 1, 1),
                "until": web.today(),
                "seed": int(now().timestamp()) % 10**6,
            }
        ),
        findings={v.id: FindingForm.shown(v.id) for k, v, _ in rows if k.confirmed is None},
    )


@surveys.post("/visit-checks")
@access(OFFICES)
def check() -> Response:
    if number := sent_id("visit"):
        return _decide(number)
    form = DrawForm.typed()

    def verb() -> str:
        since, until, seed = form.since.got, form.until.got, form.seed.got
        new = checking.draw(
            web.db(), web.scope().prefix, since, until=until, seed=seed, by=web.actor()
        )
        web.audit("visits.draw", f"division:{web.account().division_code}", {"seed": seed})
        return f"抽到 {new} 次走访，每人最多 {checking.EACH} 次。种子是 {seed}。"

    return web.carry_out(verb, url_for("surveys.checks"), page=checks, form=form)


def _decide(number: int) -> Response:
    form = FindingForm.typed(number)

    def verb() -> str:
        checking.decide(
            web.db(),
            number,
            web.scope().prefix,
            confirmed=pressed("confirm"),
            note=form.note.got,
            by=web.actor(),
        )
        return "记下了。"

    return web.carry_out(verb, url_for("surveys.checks"), page=checks, form=form)
