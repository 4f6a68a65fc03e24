"""Course authoring pages: Markdown with preview, recordings and files, versions, publishing."""

from __future__ import annotations

from typing import Any, BinaryIO, cast

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.kb.pages import page_html, render_pages, written_html
from exam_app.learn import editor, media
from exam_app.learn.forms import CourseTitleForm
from exam_app.learn.models import CourseState, CourseVersion, MediaFile
from exam_app.web.access import MANAGERS, access
from exam_app.web.forms import pressed
from training_records.errors import Refused
from training_records.facts.courses import PATHS
from training_records.facts.loading import load_facts

courses = Blueprint("courses", __name__)
STATES: dict[CourseState, str] = {"draft": "草稿", "published": "已发布", "withdrawn": "已撤下"}


def _version(version_id: int) -> CourseVersion:
    return editor.get_version(web.db(), version_id, web.scope().prefix)


def _edits() -> int:
    return request.form.get("edits", -1, type=int)


@courses.get("/courses")
@access(MANAGERS)
def index() -> str:
    return render_template(
        "courses/index.html",
        versions=editor.versions_in(web.db(), web.scope().prefix),
        built_in=load_facts().courses,
        states=STATES,
        paths=PATHS,
        add=CourseTitleForm.shown(),
    )


@courses.post("/courses")
@access(MANAGERS)
def create() -> Response:
    account, form, made = web.account(), CourseTitleForm.typed(), list[int]()

    def verb() -> None:
        level = "district" if account.role == "district" else "city"
        row = editor.create(
            web.db(), form.title.got, account.division_code, level=level, by=web.actor()
        )
        web.audit("course.create", f"course:{row.course_id}", {"title": row.content["title"]})
        made.append(row.id)

    return web.carry_out(
        verb,
        url_for("courses.index"),
        page=index,
        form=form,
        target=lambda: url_for("courses.show", version_id=made[0]),
    )


@courses.get("/courses/<int:version_id>")
@access(MANAGERS)
def show(version_id: int) -> str:
    return _show(_version(version_id))


def _show(row: CourseVersion) -> str:
    others = [c for c in load_facts().courses if c.id != row.course_id]
    return render_template(
        "courses/show.html",
        row=row,
        course=row.content,
        states=STATES,
        paths=PATHS,
        others=others,
    )


@courses.post("/courses/<int:version_id>/draft")
@access(MANAGERS)
def draft(version_id: int) -> Response:
    row = editor.draft_of(web.db(), _version(version_id), web.actor())
    web.db().commit()
    return redirect(url_for("courses.show", version_id=row.id))


@courses.post("/courses/<int:version_id>")
@access(MANAGERS)
def save(version_id: int) -> Response:
    row, form = _version(version_id), request.form
    path = url_for("courses.show", version_id=version_id)
    prefix = form.get("prefix", "").strip().rstrip("0") or web.scope().prefix
    try:
        if not prefix.startswith(web.scope().prefix):
            raise Refused("只能发给您管理范围里的人。请改区划编码")
        content = {
            **row.content,
            "title": form.get("title", "").strip(),
            "kind": form.get("kind", ""),
            "form": form.get("form", "").strip()[:20] or "线上自学",
            "roles": form.getlist("roles") or ["director"],
            "requires": form.getlist("requires"),
            "prefix": prefix,
            "valid_months": form.get("valid_months", "").strip() or None,
        }
        editor.change(web.db(), row, _edits(), content=content, by=web.actor())
    except Refused as refused:
        return web.give_back(lambda: show(version_id), path, refusal=str(refused))
    web.db().commit()
    flash("保存好了。", "good")
    return redirect(path)


@courses.post("/courses/<int:version_id>/units")
@access(MANAGERS)
def add(version_id: int) -> Response:
    row = _version(version_id)
    unit_id = editor.add_unit(web.db(), row, _edits(), by=web.actor())
    web.db().commit()
    return redirect(url_for("courses.unit", version_id=row.id, unit_id=unit_id))


@courses.get("/courses/<int:version_id>/units/<unit_id>")
@access(MANAGERS)
def unit(version_id: int, unit_id: str) -> str:
    row = _version(version_id)
    return _unit_page(row, row.content["units"][editor.unit_at(row, unit_id)])


def _unit_page(row: CourseVersion, unit: dict[str, Any]) -> str:
    return render_template(
        "courses/unit.html",
        row=row,
        unit=unit,
        pages=sorted(render_pages()),
        preview=written_html(unit.get("text", "")),
        shown=[(name, page_html(name)) for name in unit.get("pages", ()) if name in render_pages()],
        topics=list(load_facts().topics.values()),
    )


@courses.post("/courses/<int:version_id>/units/<unit_id>")
@access(MANAGERS)
@web.only_reads
def save_unit(version_id: int, unit_id: str) -> Response:
    row, form = _version(version_id), request.form
    path = url_for("courses.unit", version_id=version_id, unit_id=unit_id)
    number = editor.unit_at(row, unit_id)
    units = list(row.content["units"])
    changed = dict(units[number])
    try:
        # Recordings are large: store the files before taking SQLite's write lock.
        _stage()
        web.begin_writing()
        row = _version(version_id)
        if "remove" in form:
            units.pop(number)
        elif "up" in form:
            units.insert(max(number - 1, 0), units.pop(number))
        else:
            changed = _written(changed)
            units[number] = changed
        editor.change(
            web.db(), row, _edits(), content={**row.content, "units": units}, by=web.actor()
        )
    except Refused as refused:
        return web.give_back(lambda: unit(version_id, unit_id), path, refusal=str(refused))
    web.db().commit()
    flash("保存好了。", "good")
    if "remove" in form or "up" in form:
        return redirect(url_for("courses.show", version_id=row.id))
    return redirect(path + "#preview")


def _written(unit: dict[str, Any]) -> dict[str, Any]:
    """Returns the unit with the form's values. Stores uploaded files."""
    form = request.form
    edited = {
        **unit,
        "title": form.get("title", "").strip(),
        "minutes": form.get("minutes", "").strip(),
        "text": form.get("text", "").replace("\r\n", "\n"),
        "pages": [p for p in form.getlist("pages") if p],
        "reflection": form.get("reflection", "").strip(),
    }
    items = form.get("quiz_items", "0").strip() or "0"
    edited.pop("quiz", None)
    if items != "0":
        edited["quiz"] = {
            "items": items,
            "need": form.get("quiz_need", "").strip() or items,
            "topic": form.get("quiz_topic") or None,
        }
    for name in form.getlist("drop"):
        edited.pop(name, None)
    _files(edited)
    return edited


def _files(unit: dict[str, Any]) -> None:
    recording = _uploaded("recording", media.PLAYED)
    if recording is not None:
        kind = "video" if recording.media_type.startswith("video") else "audio"
        unit["media"] = {"kind": kind, "file": recording.sha256, "seconds": recording.seconds}
    for name, types, what in (
        ("poster", ("image/png", "image/jpeg"), "图片"),
        ("subtitles", ("text/vtt",), "字幕"),
    ):
        uploaded = _uploaded(name, types)
        if uploaded is not None:
            if "media" not in unit:
                raise Refused(f"先传录像或录音，再传{what}")
            unit["media"] = {**unit["media"], name: uploaded.sha256}
    for name in ("slides", "download"):
        uploaded = _uploaded(name, ("application/pdf",))
        if uploaded is not None:
            unit[name] = {"file": uploaded.sha256, "title": uploaded.name[:60]}
    picture = _uploaded("picture", ("image/png", "image/jpeg"))
    if picture is not None:
        link = f"![{picture.name}]({url_for('learn.recording', sha=picture.sha256)})"
        unit["text"] = f"{unit['text'].rstrip()}\n\n{link}\n"


def _stage() -> None:
    g.staged = {
        name: media.stage(web.config().instance, cast(BinaryIO, file.stream), file.filename or "")
        for name, file in request.files.items()
        if file.filename
    }


def _uploaded(name: str, types: tuple[str, ...]) -> MediaFile | None:
    staged: media.Staged | None = g.staged.get(name)
    if staged is None:
        return None
    if staged.media_type not in types:
        raise Refused(f"“{staged.name[-40:]}”不是这里要的文件。请看输入框上面写的格式")
    return media.keep(web.db(), staged, web.actor())


@courses.post("/courses/<int:version_id>/publish")
@access(MANAGERS)
def publish(version_id: int) -> Response:
    def verb() -> str:
        row = _version(version_id)
        if pressed("withdraw"):
            editor.withdraw(web.db(), row)
        else:
            editor.publish(web.db(), row, _edits(), pages=render_pages())
        web.audit(f"course.{row.state}", f"course:{row.course_id}", {"version": row.number})
        return (
            "发布了，学员现在就能看到。" if row.state == "published" else "撤下了，学过的记录都在。"
        )

    return web.carry_out(
        verb,
        url_for("courses.show", version_id=version_id),
        page=lambda: show(version_id),
        target=lambda: url_for("courses.index"),
    )
