"""Pages of the jobs: progress, file, cancel, retry."""

from __future__ import annotations

from flask import Blueprint, Response, flash, redirect, render_template, send_file, url_for
from werkzeug.wrappers import Response as BaseResponse

from exam_app import web
from exam_app.jobs import service
from exam_app.jobs.models import JobState
from exam_app.web.access import MANAGERS, access
from training_records.errors import NotFound

jobs = Blueprint("jobs", __name__)
WORDS: dict[JobState, str] = {
    "waiting": "在排队",
    "running": "正在做",
    "done": "做好了",
    "failed": "没做成",
    "cancelled": "已取消",
}


@jobs.get("/jobs")
@access(MANAGERS)
def index() -> str:
    rows = service.jobs_in(web.db(), web.scope().prefix)
    return render_template("jobs/index.html", jobs=rows, words=WORDS)


@jobs.get("/jobs/<int:job_id>")
@access(MANAGERS)
def show(job_id: int) -> str:
    job = service.get_job(web.db(), job_id, web.scope().prefix)
    return render_template("jobs/show.html", job=job, words=WORDS)


@jobs.get("/jobs/<int:job_id>/file")
@access(MANAGERS)
@web.writes
def file(job_id: int) -> Response:
    job = service.get_job(web.db(), job_id, web.scope().prefix)
    path = service.folder_of(web.config(), job.id) / (job.file or "-")
    if job.state != "done" or not job.file or not path.is_file():
        raise NotFound("文件还没有做好，或放了 7 天已经删掉。需要的话请重新做一次")
    web.audit("job.file", f"job:{job.id}", {"kind": job.kind, "title": job.title})
    web.db().commit()
    response: Response = send_file(
        path, as_attachment=True, download_name=f"{job.title}{path.suffix}", conditional=True
    )
    return response


@jobs.post("/jobs/<int:job_id>/cancel")
@access(MANAGERS)
def cancel(job_id: int) -> BaseResponse:
    service.cancel(web.db(), service.get_job(web.db(), job_id, web.scope().prefix))
    web.db().commit()
    flash("已取消。")
    return redirect(url_for("jobs.show", job_id=job_id))


@jobs.post("/jobs/<int:job_id>/retry")
@access(MANAGERS)
def retry(job_id: int) -> BaseResponse:
    service.retry(web.db(), service.get_job(web.db(), job_id, web.scope().prefix))
    web.db().commit()
    flash("重新排队了，从已经做好的部分接着做。")
    return redirect(url_for("jobs.show", job_id=job_id))
