"""Evaluation pages: an office's runs and people, and a director's own result with every point explained."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, render_template, url_for
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.evaluation.forms import AppealForm, CommentForm, ReplyForm, RunForm, SelfReviewForm
from exam_app.evaluation.sources import KNOWN, SOURCES, frame_of, frame_of_run
from exam_app.web.access import EVERYONE, LEARNERS, MANAGERS, OFFICES, access
from exam_app.web.forms import pressed, sent_id
from training_records.divisions import division_names, prefix_of
from training_records.errors import NotFound, Refused
from training_records.evaluation import overview as figures
from training_records.evaluation import runs
from training_records.evaluation.measures import measured
from training_records.evaluation.models import STATES, EvaluationRun
from training_records.evaluation.records import MAX_RECORDS, SHOWN, records_behind, without_codes
from training_records.evaluation.scheme_store import scheme_for
from training_records.evaluation.workbook import SheetLine, evaluation_workbook
from training_records.ledger.models import Person

evaluation = Blueprint("evaluation", __name__)


def get_run(run_id: int) -> EvaluationRun:
    return runs.get_run(web.db(), run_id, web.scope().prefix)


def own_run(run_id: int) -> EvaluationRun:
    run = get_run(run_id)
    if not run.division_code.startswith(web.scope().prefix):
        raise NotFound("没有这次评价，或不在您的管理范围内")
    return run


def _results_prefix(run: EvaluationRun) -> str:
    """The prefix of the results to show: the narrower of the run's division and the account's scope."""
    return max(web.scope().prefix, prefix_of(run.division_code), key=len)


@evaluation.get("/evaluation")
@access(EVERYONE)
def index() -> str:
    if web.account().role == "director":
        rows = runs.results_of_person(web.db(), web.person_id())
        return render_template("evaluation/mine.html", rows=rows, states=STATES)
    shown, code = runs.runs_in(web.db(), web.scope().prefix), web.account().division_code
    return render_template(
        "evaluation/index.html",
        runs=shown,
        names=division_names(web.db(), codes={r.division_code for r in shown}),
        states=STATES,
        year=web.today().year,
        may_start=web.account().role == "district",
        scheme=scheme_for(web.db(), code, web.today().year),
        known=KNOWN,
        form=RunForm.shown(given={"year": web.today().year}),
    )


@evaluation.post("/evaluation")
@access(MANAGERS)
@web.only_reads
def begin() -> Response:
    form = RunForm.typed()

    def verb() -> str:
        year = form.year.got
        if not 2020 <= year <= web.today().year:
            raise Refused("年份填 2020 到今年")
        as_of = min(web.today(), date(year, 12, 31))
        code = web.account().division_code
        scheme = scheme_for(web.db(), code, year)
        frame = frame_of(prefix_of(code), year, as_of, config=web.config())
        # Compute the measures before taking SQLite's write lock.
        subjects = measured(web.db(), frame, SOURCES)
        run = runs.start(
            web.begin_writing(), code, frame, scheme=scheme, subjects=subjects, by=web.actor()
        )
        web.audit("evaluation.start", f"run:{run.id}", {"people": len(subjects)})
        return f"{year} 年的评价开始了，算出 {len(subjects)} 人。儿童主任现在可以自评。"

    return web.carry_out(verb, url_for("evaluation.index"), page=index, form=form)


@evaluation.get("/evaluation/<int:run_id>")
@access(OFFICES)
@web.report
def show(run_id: int) -> str:
    run = get_run(run_id)
    rows = runs.results_of(web.db(), run, _results_prefix(run))
    web.prefetch_division_names([r.code for r, _ in rows])
    grades = [g.name for g in runs.scheme_of(run).grades]
    return render_template(
        "evaluation/show.html",
        run=run,
        rows=rows,
        states=STATES,
        counts={g: sum(r.grade == g for r, _ in rows) for g in grades},
        without=sum(r.grade is None for r, _ in rows),
        appeals=runs.appeals_of(web.db(), run),
        names={p.id: p.name for _, p in rows},
        steps=runs.steps_of(web.db(), run)[:20],
        mine=web.account().role in MANAGERS and run.division_code.startswith(web.scope().prefix),
        untouched=run.state != "final" or runs.is_untouched(web.db(), run),
    )


@evaluation.post("/evaluation/<int:run_id>")
@access(MANAGERS)
@web.only_reads
def step(run_id: int) -> Response:
    own_run(run_id)

    def verb() -> str:
        if pressed("again"):
            run = own_run(run_id)
            subjects = measured(web.db(), frame_of_run(run, web.config()), SOURCES)
            session = web.begin_writing()
            changed = runs.recalculate(session, own_run(run_id), subjects, by=web.actor())
            return f"按现在的记录重新算了，{changed} 人有变化。"
        web.begin_writing()
        run = own_run(run_id)
        if pressed("lock"):
            number = runs.lock(web.db(), run, web.today(), by=web.actor())
            web.audit("evaluation.lock", f"run:{run.id}", {"hash": run.locked_hash})
            return f"定稿了，{number} 人的结果记进了档案。"
        runs.advance(web.db(), run, web.today(), by=web.actor(), days=sent_id("days") or 5)
        web.audit("evaluation.step", f"run:{run.id}", {"state": run.state})
        return f"现在是“{STATES[run.state]}”。"

    return web.carry_out(verb, url_for("evaluation.show", run_id=run_id), page=lambda: show(run_id))


@evaluation.get("/evaluation/<int:run_id>/export.xlsx")
@access(OFFICES)
@web.report
def export(run_id: int) -> Response:
    """Exports the results within the scope, with the computation of every point."""
    run = get_run(run_id)
    rows = runs.results_of(web.db(), run, _results_prefix(run))
    web.prefetch_division_names([r.code for r, _ in rows])
    lines = [
        SheetLine(str(p.id), p.name, web.division_path(r.code), r.months, runs.explain(run, r))
        for r, p in rows
    ]
    title = f"{run.year}年儿童主任工作评价（{STATES[run.state]}）"
    data = evaluation_workbook(title, runs.scheme_of(run), lines)
    web.audit_read("evaluation.export", f"run:{run_id}", {"rows": len(lines)})
    return web.attachment(data, web.XLSX, f"{title}.xlsx")


@evaluation.get("/evaluation/<int:run_id>/overview")
@access(OFFICES)
@web.report
def overview(run_id: int) -> str:
    """The five dimensions by division and by caseload band, with the outliers of each band."""
    run = get_run(run_id)
    rows = runs.results_of(web.db(), run, _results_prefix(run))
    results, names = [r for r, _ in rows], {p.id: p.name for _, p in rows}
    shares = figures.shares_of(run, results)
    children = figures.caseloads(web.db(), run, _results_prefix(run))
    bands = {r.person_id: figures.band_of(children.get(r.code, 0)) for r in results}
    places = figures.by_place(results, shares, "town")
    web.prefetch_division_names([g.name for g in places])
    order = [name for _, name in figures.BANDS] + [figures.MORE]
    return render_template(
        "evaluation/overview.html",
        run=run,
        scheme=runs.scheme_of(run),
        places=places,
        bands=sorted(figures.groups(bands, shares), key=lambda g: order.index(g.name)),
        outliers=figures.outliers(results, children),
        names=names,
    )


def _person_page(run: EvaluationRun, person: Person, *, is_own: bool) -> str:
    row = runs.get_result(web.db(), run, person.id)
    appeals = runs.appeals_of(web.db(), run, person.id)
    return render_template(
        "evaluation/person.html",
        run=run,
        row=row,
        person=person,
        result=runs.explain(run, row),
        scheme=runs.scheme_of(run),
        known=KNOWN,
        with_records=SHOWN,
        states=STATES,
        steps=runs.steps_of(web.db(), run, person.id),
        appeals=appeals,
        review=SelfReviewForm.shown(given={"text": row.self_comment}),
        objection=AppealForm.shown(),
        comment=CommentForm.shown(),
        replies={a.id: ReplyForm.shown(a.id) for a in appeals},
        is_own=is_own,
        role=web.account().role,
    )


@evaluation.get("/evaluation/<int:run_id>/mine")
@access(LEARNERS)
def mine(run_id: int) -> str:
    return _person_page(*_own_run(run_id), is_own=True)


def _own_run(run_id: int) -> tuple[EvaluationRun, Person]:
    person = web.own_person()
    return runs.run_of_person(web.db(), run_id, person.id), person


@evaluation.post("/evaluation/<int:run_id>/mine")
@access(LEARNERS)
def say(run_id: int) -> Response:
    """Stores a person's self-review, or files their appeal."""
    run, person = _own_run(run_id)
    row = runs.get_result(web.db(), run, person.id)

    form = AppealForm.typed() if pressed("appeal") else SelfReviewForm.typed()

    def verb() -> str:
        text = form.text.got
        if isinstance(form, AppealForm):
            runs.appeal(web.db(), run, row, text=text, today=web.today(), by=web.actor())
            return "异议交上去了，区（市）会答复您。"
        runs.comment(web.db(), run, row, step="self", text=text, by=web.actor())
        return "自评保存好了。"

    return web.carry_out(
        verb, url_for("evaluation.mine", run_id=run_id), page=lambda: mine(run_id), form=form
    )


@evaluation.get("/evaluation/<int:run_id>/<int:person_id>")
@access(OFFICES)
@web.report
def person(run_id: int, person_id: int) -> str:
    return _person_page(get_run(run_id), web.scope().person(web.db(), person_id), is_own=False)


def _records(run: EvaluationRun, person: Person, measure: str, *, is_own: bool) -> str:
    if measure not in KNOWN:
        raise NotFound("没有这个指标")
    row = runs.get_result(web.db(), run, person.id)
    lines = records_behind(web.db(), frame_of_run(run, web.config()), person.id, measure=measure)
    return render_template(
        "evaluation/records.html",
        run=run,
        person=person,
        measure=KNOWN[measure],
        value=row.measures.get(measure),
        lines=lines if is_own or lines is None else without_codes(lines),
        is_own=is_own,
        most=MAX_RECORDS,
    )


@evaluation.get("/evaluation/<int:run_id>/mine/<measure>")
@access(LEARNERS)
def my_records(run_id: int, measure: str) -> str:
    """The records behind one of the account's own measures."""
    return _records(*_own_run(run_id), measure, is_own=True)


@evaluation.get("/evaluation/<int:run_id>/<int:person_id>/<measure>")
@access(OFFICES)
@web.report
def records(run_id: int, person_id: int, measure: str) -> str:
    """The records behind a person's measure."""
    person = web.scope().person(web.db(), person_id)
    return _records(get_run(run_id), person, measure, is_own=False)


@evaluation.post("/evaluation/<int:run_id>/<int:person_id>")
@access(OFFICES)
def review(run_id: int, person_id: int) -> Response:
    """Stores the comment of the town or district, returns the self-review, or answers an appeal."""
    run = get_run(run_id)
    subject = web.scope().person(web.db(), person_id)
    row = runs.get_result(web.db(), run, subject.id)

    number = sent_id("appeal")
    form = ReplyForm.typed(number) if number else CommentForm.typed()

    def verb() -> str:
        text, role = form.text.got, web.account().role
        if number:
            appeal = next(
                (a for a in runs.appeals_of(web.db(), run, subject.id) if a.id == number), None
            )
            if appeal is None or role == "supervisor":
                raise NotFound("没有这个异议")
            accepted = pressed("accept")
            runs.answer(web.db(), run, appeal, accepted=accepted, text=text, by=web.actor())
            return "答复了。" + ("请改正记录，再点“重新计算”。" if accepted else "")
        if pressed("back"):
            runs.send_back(web.db(), run, row, reason=text, by=web.actor())
            return "退回本人了。"
        step = "town" if role == "supervisor" else "district"
        runs.comment(web.db(), run, row, step=step, text=text, by=web.actor())
        return "意见保存好了。"

    return web.carry_out(
        verb,
        url_for("evaluation.person", run_id=run_id, person_id=person_id),
        page=lambda: person(run_id, person_id),
        form=form,
    )
