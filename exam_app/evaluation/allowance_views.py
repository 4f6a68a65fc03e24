"""Allowances of an evaluation run: the year's rates, and the resulting allowances as a workbook."""

from __future__ import annotations

from decimal import Decimal

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.evaluation.views import own_run
from exam_app.web.access import MANAGERS, access
from training_records.divisions import prefix_of
from training_records.errors import Refused
from training_records.evaluation import allowances as verbs
from training_records.evaluation.models import STATES
from training_records.evaluation.runs import results_of, scheme_of

allowances = Blueprint("allowances", __name__)


@allowances.get("/evaluation/<int:run_id>/allowances")
@access(MANAGERS)
def index(run_id: int) -> str:
    run = own_run(run_id)
    rules = verbs.rules_of(web.db(), run.division_code, run.year)
    rows = results_of(web.db(), run, prefix_of(run.division_code))
    total = sum(
        (
            verbs.allowance(
                rules, p.full_time, p.qualifications, months=r.months, grade=r.grade
            ).total
            for r, p in rows
        ),
        Decimal(0),
    )
    names = [*verbs.MONTHLY, *(verbs.GRADE + g.name for g in scheme_of(run).grades)]
    return render_template(
        "evaluation/allowances.html",
        run=run,
        rules=rules,
        words={name: verbs.title_of(name) for name in names},
        people=len(rows),
        total=total,
        unknown=sum(p.full_time is None for _, p in rows),
        states=STATES,
    )


@allowances.post("/evaluation/<int:run_id>/allowances")
@access(MANAGERS)
def keep(run_id: int) -> Response:
    run = own_run(run_id)

    def verb() -> str:
        amounts = {
            name.removeprefix("r-"): text
            for name, text in request.form.items()
            if name.startswith("r-")
        }
        verbs.keep_rules(web.db(), run.division_code, run.year, texts=amounts, by=web.actor())
        web.audit("allowance.rules", f"run:{run.id}")
        return "标准保存好了。"

    return web.carry_out(
        verb, url_for("allowances.index", run_id=run_id), page=lambda: index(run_id)
    )


@allowances.get("/evaluation/<int:run_id>/allowances.xlsx")
@access(MANAGERS)
def export(run_id: int) -> Response:
    run = own_run(run_id)
    rules = verbs.rules_of(web.db(), run.division_code, run.year)
    if not rules:
        raise Refused("还没有填标准，请先填每项多少钱再导出")
    rows = results_of(web.db(), run, prefix_of(run.division_code))
    web.prefetch_division_names([r.code for r, _ in rows])
    title = f"{run.year}年儿童主任补贴" + (
        "" if run.state == "final" else "（评价未定稿，只供测算）"
    )
    data = verbs.allowance_workbook(
        title, rules, ((r, p, web.division_path(r.code)) for r, p in rows)
    )
    web.audit_read("allowance.export", f"run:{run_id}", {"rows": len(rows)})
    return web.attachment(data, web.XLSX, f"{title}.xlsx")
