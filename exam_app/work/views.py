"""Pages of daily work: caseload, visits (also offline), activities, tasks."""

from __future__ import annotations

from datetime import date

from flask import (
    Blueprint,
    jsonify,
    render_template,
    request,
    url_for,
)
from markupsafe import Markup
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.web.access import access
from exam_app.web.forms import pressed
from exam_app.work.forms import ActivityForm, CaseForm, HeldForm, TaskForm
from exam_app.work.options import duty_steps, known_cadences, visit_options
from training_records.archive import evidence
from training_records.database import now
from training_records.errors import NotFound, RecordsError, Refused
from training_records.ledger.service import CASELOAD
from training_records.work import service
from training_records.work.models import FORMS, THEMES
from training_records.work.service import MAX_AT_ONCE, NewVisit

work = Blueprint("work", __name__)
DIRECTORS = frozenset({"director"})
STATES = {
    "overdue": "上期没走",
    "due": "本期要走",
    "contact": "该联系了",
    "done": "✓ 已走",
    "kept": "✓ 已联系",
}


def villages() -> list[str]:
    """The villages of the account's posts."""
    return service.villages_of(web.db(), web.person_id(), web.today())


def _village(requested: str | None) -> str:
    assigned = villages()
    if not assigned:
        raise Refused("您现在没有任职的村（社区）。请联系镇（街）或区（市）民政部门")
    if requested and requested not in assigned:
        raise NotFound("不是您任职的村（社区）")
    return requested or assigned[0]


def _choices() -> list[tuple[str, str]]:
    return [(code, web.division_path(code)) for code in villages()]


def day_of(text: str, what: str) -> date:
    """Parses an ISO date. Raises `Refused` otherwise."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise Refused(f"{what}写成 2026-11-24 这样") from None


@work.get("/caseload")
@access(DIRECTORS)
def cases() -> str:
    assigned = villages()
    cadences = known_cadences(web.today())
    due = service.due_list(web.db(), assigned, cadences, today=web.today())
    by_code = sorted(due, key=lambda d: (d.entry.division_code, d.entry.code))
    return render_template(
        "work/caseload.html",
        due=by_code,
        villages=assigned,
        cadences=cadences,
        states=STATES,
        enough=CASELOAD,
        add=CaseForm.shown(village=_choices(), categories=_categories()),
    )


def _categories() -> list[tuple[str, Markup]]:
    return [
        (category, Markup('{}<br><span class="quiet">{}</span>').format(c.title, c.text))
        for category, c in known_cadences(web.today()).items()
    ]


@work.post("/caseload")
@access(DIRECTORS)
def add_case() -> Response:
    form = CaseForm.typed(village=_choices(), categories=_categories())

    def verb() -> str:
        row = service.open_case(
            web.db(),
            _village(form.village.data),
            form.code.got,
            categories=form.categories.data or [],
            known=known_cadences(web.today()),
            by=web.actor(),
            today=web.today(),
        )
        return f"代号 {row.code} 记下了。"

    return web.carry_out(verb, url_for("work.cases"), page=cases, form=form)


@work.post("/caseload/<int:case_id>")
@access(DIRECTORS)
def end_case(case_id: int) -> Response:
    entry = service.get_case(web.db(), case_id, villages())

    def verb() -> str:
        service.close_case(web.db(), entry, web.today())
        return f"代号 {entry.code} 移出了名单，走访记录都在。"

    return web.carry_out(verb, url_for("work.cases"), page=cases)


@work.get("/visits/log")
@access(DIRECTORS)
def log() -> str:
    return render_template("work/log.html")


@work.get("/visits/data.json")
@access(DIRECTORS)
def data() -> Response:
    """Everything a client needs to log visits offline for some days."""
    options, cadences = visit_options(web.today()), known_cadences(web.today())
    due = service.due_list(web.db(), villages(), cadences, today=web.today())
    return jsonify(
        {
            "today": web.today().isoformat(),
            "server_time": now().isoformat(),
            "forms": [list(pair) for pair in FORMS.items()],
            "checks": [[c, list(a)] for c, a in options.checks.items()],
            "alarms": [list(pair) for pair in sorted(options.alarms)],
            "needs": list(options.needs),
            "measures": list(options.measures),
            "labels": {
                "checks": {c: options.labels[c,] for c in options.checks},
                "answers": {
                    f"{c}.{a}": options.labels[c, a]
                    for c, answers in options.checks.items()
                    for a in answers
                },
                "needs": options.needs,
                "measures": options.measures,
            },
            "due": [
                {
                    "case": d.entry.id,
                    "code": d.entry.code,
                    "place": web.division_path(d.entry.division_code),
                    "categories": [cadences[c].title for c in d.entry.categories if c in cadences],
                    "state": d.state,
                    "word": STATES[d.state],
                    "until": d.until and d.until.isoformat(),
                    "last": d.last and d.last.isoformat(),
                    "text": d.cadence.text if d.cadence else "",
                }
                for d in due
            ],
        }
    )


@work.post("/visits/sync")
@access(DIRECTORS)
def sync() -> Response:
    """Records visits logged offline, for pages of an earlier release that phones still keep; others use the outbox."""
    payload = request.get_json(silent=True)
    rows = payload.get("visits") if isinstance(payload, dict) else None
    if not isinstance(rows, list) or len(rows) > MAX_AT_ONCE:
        raise Refused(f"请求里要有 visits，最多 {MAX_AT_ONCE} 条")
    taken, refused, assigned = [], {}, villages()
    options = visit_options(web.today())
    for row in rows:
        key = row.get("key") if isinstance(row, dict) else None
        if not isinstance(key, str) or not 8 <= len(key) <= 36:
            continue
        try:
            visit = _visit(row, key)
            service.log_visit(
                web.db(),
                web.person_id(),
                visit,
                villages=assigned,
                options=options,
                today=web.today(),
            )
        except RecordsError as error:
            refused[key] = str(error)
        else:
            taken.append(key)
    web.db().commit()
    return jsonify({"taken": taken, "refused": refused})


def _visit(row: dict[str, object], key: str) -> NewVisit:
    case, findings = row.get("case"), row.get("findings")
    if type(case) is not int or not 0 < case < 2**31:
        raise NotFound("名单里没有这个代号")
    if not isinstance(findings, dict) or len(findings) > 30:
        raise Refused("走访记录的格式不对")
    lists = {}
    for name in ("needs", "measures"):
        given = row.get(name) or []
        if not isinstance(given, list) or len(given) > 30:
            raise Refused("走访记录的格式不对")
        lists[name] = [str(x)[:30] for x in given]
    following = row.get("next")
    return NewVisit(
        key,
        case,
        day_of(str(row.get("on", ""))[:10], "走访日期"),
        str(row.get("form", ""))[:10],
        {str(c)[:30]: str(a)[:30] for c, a in findings.items()},
        lists["needs"],
        lists["measures"],
        day_of(str(following)[:10], "下次日期") if following else None,
        row.get("reported") is True,
    )


@work.get("/visits")
@access(DIRECTORS)
def visits() -> str:
    person = web.person_id()
    return render_template(
        "work/visits.html",
        visits=service.visits_of(web.db(), person),
        unreported=service.unreported(web.db(), person),
        forms=FORMS,
        options=visit_options(web.today()),
    )


@work.post("/visits/<int:visit_id>")
@access(DIRECTORS)
def visit(visit_id: int) -> Response:
    """Records that the police were notified, or stores a photo of the signed form."""
    person = web.person_id()

    def verb() -> str:
        if pressed("reported"):
            service.note_report(web.db(), person, visit_id, at=now())
            return "记下了：已向公安机关报告。"
        row = service.get_visit(web.db(), visit_id, person)
        row.photo = _store_upload(images=True)
        return "照片传好了。"

    return web.carry_out(verb, url_for("work.visits"), page=visits)


def _store_upload(*, images: bool = False) -> str:
    file = request.files.get("file")
    if file is None or not file.filename:
        raise Refused("请先选一张照片")
    stored = evidence.keep(
        web.db(),
        web.config().evidence,
        file.read(),
        name="走访表" if images else file.filename,
        division_code=web.account().division_code,
        by=web.actor(),
    )
    if images and not stored.media_type.startswith("image/"):
        raise Refused("照片要用 JPG 或 PNG")
    return stored.sha256


@work.get("/activities")
@access(DIRECTORS)
def activities() -> str:
    year = request.args.get("year", web.today().year, type=int)
    if not 2000 <= year <= 2100:
        year = web.today().year
    return _activities_of(year)


def _activities_of(year: int) -> str:
    rows = service.activities_of(web.db(), web.person_id(), year)
    return render_template(
        "work/activities.html",
        rows=rows,
        year=year,
        themes=THEMES,
        add=ActivityForm.shown(given={"on": web.today()}, village=_choices()),
        held={a.id: HeldForm.shown(a.id, given={"on": a.on}) for a in rows if not a.held},
    )


@work.post("/activities")
@access(DIRECTORS)
def add_activity() -> Response:
    form = ActivityForm.typed(village=_choices())

    def verb() -> str:
        row = service.plan_activity(
            web.db(),
            web.person_id(),
            _village(form.village.data),
            today=web.today(),
            theme=form.theme.data,
            title=form.title.data,
            held=form.held.data,
            on=form.on.data,
            children=form.children.data,
            adults=form.adults.data,
        )
        return f"“{row.title}”记下了。"

    return web.carry_out(verb, url_for("work.activities"), page=activities, form=form)


@work.post("/activities/<int:activity_id>")
@access(DIRECTORS)
def hold(activity_id: int) -> Response:
    form = HeldForm.typed(activity_id)
    row = service.get_activity(web.db(), activity_id, web.person_id())
    # In January the activity of December stands on last year's page.
    year = row.on.year

    def verb() -> str:
        values = {
            "on": form.on.data,
            "children": form.children.data,
            "adults": form.adults.data,
            "partners": form.partners.data or None,
            "summary": form.summary.data or None,
        }
        service.hold_activity(web.db(), row, web.today(), values=values)
        if request.files.get("file"):
            row.photo = _store_upload(images=True)
        return f"“{row.title}”记成办过了。"

    path = url_for("work.activities", year=year)
    return web.carry_out(verb, path, page=lambda: _activities_of(year), form=form)


def my_tasks() -> list[service.DutyTask]:
    """The account's tasks."""
    return service.tasks_of(
        web.db(), web.person_id(), villages(), steps=duty_steps(web.today()), today=web.today()
    )


@work.get("/tasks")
@access(DIRECTORS)
def tasks() -> str:
    return render_template("work/tasks.html", tasks=my_tasks())


@work.post("/tasks")
@access(DIRECTORS)
def tick() -> Response:
    form = TaskForm.typed()
    requested = (form.task.data, form.period.data)
    task = next((t for t in my_tasks() if (t.task, t.period) == requested), None)
    if task is None:
        raise NotFound("没有这项任务")

    def verb() -> str:
        if pressed("undo"):
            service.undo_task(web.db(), web.person_id(), task, today=web.today())
            return "撤回了。"
        proof = _store_upload() if request.files.get("file") else None
        service.do_task(web.db(), web.person_id(), task, today=web.today(), evidence=proof)
        return f"“{task.title}”做完了。"

    return web.carry_out(verb, url_for("work.tasks"), page=tasks)
