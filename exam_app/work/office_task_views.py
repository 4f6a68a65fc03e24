"""Pages of assigned tasks: assign, withdraw, follow up."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.web.access import OFFICES, access
from exam_app.work.views import day_of
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
    )


@office_tasks.post("/office-tasks")
@access(OFFICES)
def give() -> Response:
    def verb() -> str:
        if number := request.form.get("withdraw", type=int):
            tasks.withdraw(web.db(), number, web.scope().prefix)
            web.audit("task.withdraw", f"task:{number}")
            return "撤回了，儿童主任那里不再显示。"
        row = tasks.give_task(
            web.db(),
            web.account().division_code,
            request.form.get("title", ""),
            due_on=day_of(request.form.get("due_on", ""), "期限"),
            by=web.actor(),
            today=web.today(),
        )
        web.audit("task.give", f"task:{row.id}", {"title": row.title})
        return "发下去了，您管理范围里的儿童主任都能看到。"

    return web.try_to(verb, url_for("office_tasks.index"))


@office_tasks.get("/office-tasks/<int:task_id>")
@access(OFFICES)
def show(task_id: int) -> str:
    """Completion of a task by director."""
    prefix = web.scope().prefix
    row = tasks.get_given(web.db(), task_id, prefix)
    rows = tasks.doing(web.db(), row, prefix, today=web.today())
    web.prefetch_division_names([d.code for d in rows])
    return render_template("work/doing.html", row=row, found=rows)
