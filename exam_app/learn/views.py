"""Learning pages: courses, units, heartbeats of time on task, the log, recordings."""

from __future__ import annotations

from dataclasses import asdict

from flask import (
    Blueprint,
    current_app,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask import send_file as send
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.bank.service import current_bank
from exam_app.exams.administration import reserved_items
from exam_app.kb.pages import page_html, written_html
from exam_app.learn import media, study
from exam_app.learn.catalog import course_of, courses_of
from exam_app.learn.models import StudyWindow, UnitProgress
from exam_app.learn.service import (
    Progress,
    begin_again,
    find_unit,
    finish_unit,
    is_done,
    progress_in,
    quiz_of,
)
from exam_app.practice.answers import parts
from exam_app.web.access import EVERYONE, LEARNERS, OFFICES, access
from training_records.errors import NotFound, Refused
from training_records.facts.courses import PATHS, Course, Unit

learn = Blueprint("learn", __name__)


def mine() -> list[Course]:
    """The courses available to the account."""
    account = web.account()
    return courses_of(web.db(), account.role, account.division_code)


def my_progress() -> list[Progress]:
    """The account's progress in its courses."""
    return progress_in(web.db(), web.person_id(), mine(), today=web.today(), zone=web.config().zone)


def _unit(course_id: str, unit_id: str) -> tuple[Course, Unit]:
    account = web.account()
    course = course_of(web.db(), course_id, account.role, division_code=account.division_code)
    return course, find_unit(course, unit_id)


@learn.get("/learn")
@access(LEARNERS)
def index() -> str:
    return render_template("learn/index.html", courses=my_progress(), paths=PATHS)


@learn.get("/learn/<course_id>/<unit_id>")
@access(LEARNERS)
@web.writes
def unit(course_id: str, unit_id: str) -> str:
    course, unit = _unit(course_id, unit_id)
    row, window = study.open_window(web.db(), web.person_id(), course.id, unit_id=unit.id)
    begin_again(row, course, web.today(), zone=web.config().zone)
    web.end_writing()
    return _page(course, unit, row, window=window)


def _page(
    course: Course, unit: Unit, row: UnitProgress, *, window: StudyWindow | None, **context: object
) -> str:
    state = next(p for p in my_progress() if p.course.id == course.id)
    pace = web.config().study_pace
    quiz = quiz_of(unit, row, current_bank().reviewed(), reserved=reserved_items(web.db()))
    return render_template(
        "learn/unit.html",
        course=course,
        unit=unit,
        row=row,
        window=window,
        progress=state,
        done=is_done(row, course, web.today(), zone=web.config().zone),
        pages=[(name, page_html(name)) for name in unit.pages],
        text=written_html(unit.text) if unit.text else "",
        number=course.units.index(unit) + 1,
        needed=study.needed(unit, pace),
        left=study.left(row, unit, pace),
        unplayed=study.unplayed(row, unit, pace),
        quiz=[(q, parts(q)) for q in quiz],
        **context,
    )


@learn.post("/learn/<course_id>/<unit_id>")
@access(LEARNERS)
def finish(course_id: str, unit_id: str) -> Response | str:
    course, unit = _unit(course_id, unit_id)
    session, person = web.db(), web.person_id()
    target = url_for("learn.unit", course_id=course_id, unit_id=unit_id)
    row = study.progress_of(session, person, course.id, unit_id=unit.id)
    quiz = []
    if row is not None:
        quiz = quiz_of(unit, row, current_bank().reviewed(), reserved=reserved_items(session))
        submitted = request.form.getlist("item")
        if submitted != [q.id for q in quiz] and not is_done(
            row, course, web.today(), zone=web.config().zone
        ):
            flash("小测的题换过了，请答这一页上的题。" if submitted else "请先答完下面的小测。")
            return redirect(target + "#quiz")
    missing = next(p.missing for p in my_progress() if p.course.id == course.id)
    try:
        if missing:
            raise Refused(f"请先学完“{missing[0].title}”")
        outcome = finish_unit(
            session,
            person,
            course,
            unit=unit,
            quiz=quiz,
            field=request.form.getlist,
            pace=web.config().study_pace,
            zone=web.config().zone,
        )
    except Refused as refused:
        session.rollback()
        flash(str(refused), "bad")
        return redirect(target)
    session.commit()
    if not outcome.unit:
        return render_template(
            "learn/quiz.html", course=course, unit=unit, marked=outcome.marked, back=target
        )
    if outcome.course:
        flash(
            "这门课学完了，学时已记入您的培训档案。" + ("接下来可以考试。" if course.exam else "")
        )
        return redirect(url_for("learn.index"))
    state = next(p for p in my_progress() if p.course.id == course.id)
    flash(f"“{unit.title}”学完了，保存好了。")
    if state.next_unit:
        return redirect(url_for("learn.unit", course_id=course_id, unit_id=state.next_unit.id))
    return redirect(url_for("learn.index"))


@learn.post("/learn/beat")
@access(LEARNERS)
def beat() -> Response:
    payload = request.get_json(silent=True)
    payload = payload if isinstance(payload, dict) else {}
    number, word, at = payload.get("window"), payload.get("word"), payload.get("at")
    window_id = number if type(number) is int and 0 < number < 2**31 else 0
    window = study.own_window(web.db(), window_id, web.person_id())
    _, unit = _unit(window.course_id, window.unit_id)
    response = study.beat(
        web.db(),
        web.person_id(),
        window.id,
        seen=payload.get("seen") is True,
        word=word[:10] if isinstance(word, str) else None,
        at=float(at) if isinstance(at, int | float) and 0 <= at < 10**6 else None,
        unit=unit,
        zone=web.config().zone,
    )
    row = study.progress_in(web.db(), window)
    pace = web.config().study_pace
    remaining = {
        "left": study.left(row, unit, pace),
        "unplayed": study.unplayed(row, unit, pace),
    }
    web.db().commit()
    return jsonify({**asdict(response), **remaining})


@learn.get("/learn/log", defaults={"person_id": None})
@learn.get("/learn/log/<int:person_id>")
@access(EVERYONE)
def log(person_id: int | None) -> str:
    person = web.scope().person(web.db(), person_id or web.person_id())
    is_own = web.account().person_id == person.id
    if not is_own and web.account().role not in OFFICES:
        raise NotFound("没有这个人，或不在您的管理范围内")
    windows = study.log_of(web.db(), person.id)
    titles = {
        (c.id, u.id): u.title
        for c in courses_of(web.db(), "director", "") + courses_of(web.db(), "supervisor", "")
        for u in c.units
    }
    return render_template(
        "learn/log.html", person=person, windows=windows, titles=titles, mine=is_own
    )


@learn.get("/media/<sha>")
@access(EVERYONE)
def recording(sha: str) -> Response:
    row = media.get(web.db(), sha)
    path = media.path_of(web.config().instance, row.sha256)
    web.release_session()
    if not path.exists():
        current_app.logger.error("media file missing: %s", row.sha256)
        raise NotFound("这个文件不在服务器上了，请告诉区（市）民政部门")
    response = send(
        path,
        mimetype=row.media_type,
        conditional=True,
        etag=row.sha256,
        max_age=86400,
        download_name=row.name if row.media_type == "application/pdf" else None,
    )
    response.headers["Cache-Control"] = "private, max-age=86400"
    return response
