"""Coverage pages: figures, charts, trend of the year, names, the year's rule, Excel export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date

from flask import (
    Blueprint,
    Response,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response as BaseResponse

from exam_app import web
from exam_app.coverage import reports
from exam_app.coverage.chart import course_svg, coverage_svg
from exam_app.coverage.forms import RuleForm
from exam_app.web.access import CITY, OFFICES, access
from training_records.coverage import reading
from training_records.coverage.definition import (
    STATUS_NAMES,
    CoverageReport,
    Standing,
)
from training_records.coverage.definition import coverage as compute
from training_records.coverage.rules import rule_of, set_rule
from training_records.coverage.running import note_rule
from training_records.coverage.workbook import coverage_workbook
from training_records.divisions import ancestor, division_names, path
from training_records.errors import Refused

coverage = Blueprint("coverage", __name__)
SHOWN = 100


def _year_and_day() -> tuple[int, date]:
    return reports.year_and_day(request.args.get("year"), request.args.get("as_of"), web.today())


def _as_known_then() -> bool:
    return "now" not in request.args


def _report() -> CoverageReport:
    """The report for the query parameters ``division``, ``year`` and ``as_of``."""
    year, day = _year_and_day()
    # End the current read transaction, so that the page reads after pending changes are applied.
    web.release_session()
    reports.catch_up(web.services().session_factory, year, day, today=web.today())
    code = web.scope().division(web.db(), request.args.get("division")).code
    return reports.report(
        web.db(), code, year, day=day, today=web.today(), as_known_then=_as_known_then()
    )


@coverage.get("/coverage")
@access(OFFICES)
def index() -> str:
    year, day = _year_and_day()
    report = _report()
    total = report.total
    status = request.args.get("status", "" if report.children else "all")
    if status not in ("", *reading.STATUSES):
        raise Refused("没有这种状态。请从名单上方选一项")
    people, next_after = _people(report, status)
    crumbs = [d for d in path(web.db(), total.code) if d.code.startswith(web.scope().prefix)]
    children = sorted(report.children, key=lambda c: (-(c.uncovered + c.pending), c.code))
    current = reports.is_today(year, day, web.today())
    return render_template(
        "coverage/index.html",
        report=report,
        total=total,
        children=children,
        crumbs=crumbs,
        status=status,
        people=people,
        more=next_after,
        found=_count(report, status),
        names=_names(people),
        status_names=STATUS_NAMES,
        query=_query(report),
        rule=rule_of(web.db(), year),
        current=current,
        closed=reports.is_closed(web.db(), year, day, as_known_then=_as_known_then()),
        course=reading.course(web.db(), total.code, day) if current else None,
        changed=_changed(report),
        masked=web.account().role in CITY,
    )


def _people(report: CoverageReport, status: str) -> tuple[list[Standing], str]:
    """A page of names and the cursor of the next page (empty on the last)."""
    if not status:
        return [], ""
    if report.standings:
        matches = [s for s in report.standings if _matches(s, status)]
        return matches[:SHOWN], ""
    if not reports.is_today(report.year, report.as_of, web.today()):
        return [], ""
    after = request.args.get("after", "")
    code, _, person = after.partition("-")
    if after and not (code.isdigit() and len(code) == 12 and person.isdigit()):
        raise Refused("翻页的地址不对。请从第一页开始")
    cursor = (code, int(person)) if after else ("", 0)
    rows = reading.people(
        web.db(), report.total.code, report.as_of, status=status, after=cursor, limit=SHOWN + 1
    )
    last = rows[SHOWN - 1] if len(rows) > SHOWN else None
    return rows[:SHOWN], f"{last.division_code}-{last.person_id}" if last else ""


def _matches(standing: Standing, status: str) -> bool:
    if status == "not_inducted":
        return not standing.inducted
    return status == "all" or standing.status == status


def _count(report: CoverageReport, status: str) -> int:
    key = {"": "in_post", "all": "in_post"}.get(status, status)
    return int(getattr(report.total, key))


def _names(people: Sequence[Standing]) -> dict[str, str]:
    """Names of the villages and towns of the people shown."""
    codes = {s.division_code for s in people}
    return division_names(web.db(), codes=codes | {ancestor(code, "town") for code in codes})


def _changed(report: CoverageReport) -> list[reading.CoverageDifference] | None:
    """Differences between a closed year's frozen standings and today's records. None if the year is not closed or the
    division too large to recompute."""
    closed = reports.is_closed(web.db(), report.year, report.as_of, as_known_then=_as_known_then())
    if not closed or report.total.in_post > reports.MAX_ROWS // 10:
        return None
    code = report.total.code
    recomputed = compute(web.db(), code, report.year, as_of=report.as_of)
    changes = reading.differences(web.db(), code, report.year, current=recomputed.standings)
    return sorted(changes, key=lambda d: (d.code, d.person_id))


def _query(report: CoverageReport) -> dict[str, str]:
    query = {
        "division": report.total.code,
        "year": str(report.year),
        "as_of": report.as_of.isoformat(),
    }
    return query | ({"now": "1"} if "now" in request.args else {})


@coverage.get("/coverage/chart.svg")
@access(OFFICES)
def chart() -> Response:
    return Response(coverage_svg(_report(), "narrow" in request.args), mimetype="image/svg+xml")


@coverage.get("/coverage/course.svg")
@access(OFFICES)
def course() -> Response:
    """The year's trend so far with its forecast."""
    division = web.scope().division(web.db(), request.args.get("division"))
    trend = reading.course(web.db(), division.code, web.today())
    svg = course_svg(trend, web.today(), "narrow" in request.args)
    return Response(svg, mimetype="image/svg+xml")


@coverage.get("/coverage/rule")
@access(CITY)
def rule() -> str:
    """A year's coverage rule."""
    year, _ = _year_and_day()
    set_so_far = rule_of(web.db(), year)
    return render_template(
        "coverage/rule.html", year=year, form=RuleForm.shown(given=asdict(set_so_far))
    )


@coverage.post("/coverage/rule")
@access(CITY)
def change_rule() -> BaseResponse:
    """Sets a year's coverage rule, and reckons all figures again by it."""
    year, _ = _year_and_day()
    form = RuleForm.typed()

    def verb() -> str:
        set_rule(
            web.db(),
            year,
            web.actor(),
            hours=form.hours.got,
            exam=form.exam.data,
            pending_days=form.pending_days.got,
            levels=form.levels.data or (),
        )
        note_rule(web.db(), year)
        what = {"hours": str(form.hours.got), "exam": form.exam.data}
        web.audit("coverage.rule", f"year:{year}", what)
        return f"{year} 年的覆盖规则已保存，各地的数字正在按新规则重算，一般不到一分钟。"

    return web.carry_out(
        verb,
        url_for("coverage.rule", year=year),
        page=rule,
        form=form,
        target=lambda: url_for("coverage.index", year=year),
    )


@coverage.route("/coverage/export.xlsx", methods=["GET"])
@access(OFFICES)
def export() -> Response:
    year, day = _year_and_day()
    division = web.scope().division(web.db(), request.args.get("division"))
    report = reports.computed(web.db(), division.code, year, day=day, today=web.today())
    names = division_names(web.db())
    data = coverage_workbook(web.db(), report, names)
    web.audit_read(
        "coverage.export",
        f"division:{report.total.code}",
        {"rows": len(report.standings), "year": report.year},
    )
    return web.download(data, f"coverage-{report.total.code}-{report.as_of}.xlsx")
