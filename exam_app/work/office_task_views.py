"""Pages of assigned tasks: assign, withdraw, follow up."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.web.access import OFFICES, access
from exam_app.web.forms import sent_id
from exam_app.work.forms import OfficeTaskForm
from training_records.work import office_tasks as tasks

office_tasks = Blueprint("office_tasks", __name__)


@office_tasks.get("/office-tasks")
@access(OFFICES)
def index() -> str:
    prefix = web.scope().prefix
    rows = tasks.given_tasks(web.db(), prefix)
    web.prefetch_division_names([r.division_code for r in rows])
    return render_template(
        "work/given.html",
        rows=[(r, tasks.counts(web.db(), r, prefix, today=web.today())) for r in rows],
        prefix=prefix,
        give=OfficeTaskForm.shown(),
    )


@office_tasks.post("/office-tasks")
@access(OFFICES)
def give() -> Response:
    if number := sent_id("withdraw"):
        return _withdraw(number)
    form = OfficeTaskForm.typed()

    def verb() -> str:
        row = tasks.give_task(
            web.db(),
            web.account().division_code,
            form.title.got,
            due_on=form.due_on.got,
            by=web.actor(),
            today=web.today(),
        )
        web.audit("task.give", f"task:{row.id}", {"title": row.title})
        return "发下去了，您管理范围里的儿童主任都能看到。"

    return web.carry_out(verb, url_for("office_tasks.index"), page=index, form=form)


def _withdraw(number: int) -> Response:
    def verb() -> str:
        tasks.withdraw(web.db(), number, web.scope().prefix)
        web.audit("task.withdraw", f"task:{number}")
        return "撤回了，儿童主任那里不再显示。"

    return web.carry_out(verb, url_for("office_tasks.index"), page=index)


@office_tasks.get("/office-tasks/<int:task_id>")
@access(OFFICES)
def show(task_id: int) -> str:
    """Completion of a task by director."""
    prefix = web.scope().prefix
    row = tasks.get_given(web.db(), task_id, prefix)
    rows = tasks.doing(web.db(), row, prefix, today=web.today())
    web.prefetch_division_names([d.code for d in rows])
    return render_template("work/doing.html", row=row, found=rows)
