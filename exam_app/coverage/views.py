"""Pages of the coverage: figures, chart, course of the year, names, the year's rule, Excel."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal, InvalidOperation

from flask import (
    Blueprint,
    Response,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response as BaseResponse

from exam_app import web
from exam_app.coverage import reports
from exam_app.coverage.chart import course_svg, coverage_svg
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
from training_records.facts.levels import LEVELS

coverage = Blueprint("coverage", __name__)
SHOWN = 100


def _asked() -> tuple[int, date]:
    return reports.year_and_day(request.args.get("year"), request.args.get("as_of"), web.today())


def _then() -> bool:
    return "now" not in request.args


def _report() -> CoverageReport:
    """The report that the query asks for (``division``, ``year``, ``as_of``)."""
    year, day = _asked()
    # The page's own reading begins after what was just recorded has been worked off.
    web.release_session()
    reports.catch_up(web.services().session_factory, year, day, web.today())
    code = web.scope().division(web.db(), request.args.get("division")).code
    return reports.report(web.db(), code, year, day, web.today(), as_known_then=_then())


@coverage.get("/coverage")
@access(OFFICES)
def index() -> str:
    year, day = _asked()
    report = _report()
    total = report.total
    status = request.args.get("status", "" if report.children else "all")
    if status not in ("", *reading.STATUSES):
        raise Refused("没有这种状态。请从名单上方选一项")
    people, more = _people(report, status)
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
        more=more,
        found=_found(report, status),
        names=_names(people),
        status_names=STATUS_NAMES,
        query=_query(report),
        rule=rule_of(web.db(), year),
        current=current,
        closed=reports.is_closed(web.db(), year, day, _then()),
        course=reading.course(web.db(), total.code, day) if current else None,
        changed=_changed(report),
        masked=web.account().role in CITY,
    )


def _people(report: CoverageReport, status: str) -> tuple[list[Standing], str]:
    """A page of names and where the next begins (empty: no more)."""
    if not status:
        return [], ""
    if report.standings:
        found = [s for s in report.standings if _matches(s, status)]
        return found[:SHOWN], ""
    if not reports.is_today(report.year, report.as_of, web.today()):
        return [], ""
    after = request.args.get("after", "")
    code, _, person = after.partition("-")
    if after and not (code.isdigit() and len(code) == 12 and person.isdigit()):
        raise Refused("翻页的地址不对。请从第一页开始")
    place = (code, int(person)) if after else ("", 0)
    found = reading.people(web.db(), report.total.code, report.as_of, status, place, SHOWN + 1)
    last = found[SHOWN - 1] if len(found) > SHOWN else None
    return found[:SHOWN], f"{last.division_code}-{last.person_id}" if last else ""


def _matches(standing: Standing, status: str) -> bool:
    if status == "not_inducted":
        return not standing.inducted
    return status == "all" or standing.status == status


def _found(report: CoverageReport, status: str) -> int:
    key = {"": "in_post", "all": "in_post"}.get(status, status)
    return int(getattr(report.total, key))


def _names(people: Sequence[Standing]) -> dict[str, str]:
    """Names of the villages and towns of those shown."""
    codes = {s.division_code for s in people}
    return division_names(web.db(), codes=codes | {ancestor(code, "town") for code in codes})


def _changed(report: CoverageReport) -> list[reading.CoverageDifference] | None:
    """What is known otherwise by now about a closed year; None where the place is too large to compute."""
    closed = reports.is_closed(web.db(), report.year, report.as_of, _then())
    if not closed or report.total.in_post > reports.MAX_ROWS // 10:
        return None
    code = report.total.code
    then = compute(web.db(), code, report.year, report.as_of)
    found = reading.differences(web.db(), code, report.year, then.standings)
    return sorted(found, key=lambda d: (d.code, d.person_id))


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
    """The year so far and where it leads."""
    division = web.scope().division(web.db(), request.args.get("division"))
    found = reading.course(web.db(), division.code, web.today())
    svg = course_svg(found, web.today(), "narrow" in request.args)
    return Response(svg, mimetype="image/svg+xml")


@coverage.route("/coverage/rule", methods=["GET", "POST"])
@access(CITY)
def rule() -> str | BaseResponse:
    """What covers a director in a year: shown, and laid down by the city."""
    year, _ = _asked()
    if request.method == "POST":
        form = request.form
        try:
            hours, days = Decimal(form.get("hours", "")), int(form.get("pending_days", ""))
        except (InvalidOperation, ValueError):
            raise Refused("学时和天数要填数字,例如 8 和 30") from None
        set_rule(
            web.db(),
            year,
            web.actor(),
            hours=hours,
            exam="exam" in form,
            pending_days=days,
            levels=form.getlist("levels"),
        )
        note_rule(web.db(), year)
        web.audit("coverage.rule", f"year:{year}", {"hours": str(hours), "exam": "exam" in form})
        web.db().commit()
        flash(f"{year} 年的覆盖规则已保存,各地的数字正在按新规则重算,一般不到一分钟。", "good")
        return redirect(url_for("coverage.index", year=year))
    return render_template(
        "coverage/rule.html", year=year, rule=rule_of(web.db(), year), levels=LEVELS
    )


@coverage.route("/coverage/export.xlsx", methods=["GET"])
@access(OFFICES)
def export() -> Response:
    year, day = _asked()
    division = web.scope().division(web.db(), request.args.get("division"))
    report = reports.computed(web.db(), division.code, year, day, web.today())
    names = division_names(web.db())
    data = coverage_workbook(web.db(), report, names)
    web.audit_read(
        "coverage.export",
        f"division:{report.total.code}",
        {"rows": len(report.standings), "year": report.year},
    )
    return web.download(data, f"coverage-{report.total.code}-{report.as_of}.xlsx")
