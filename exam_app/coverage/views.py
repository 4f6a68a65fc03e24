"""Pages of the coverage: figures, chart, names, Excel."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, Response, render_template, request

from exam_app import web
from exam_app.coverage.chart import coverage_svg
from exam_app.scope import OFFICES, access
from training_records.coverage import STATUS_NAMES, CoverageReport, default_as_of
from training_records.coverage import coverage as compute
from training_records.divisions import division_names, path, prefix_of
from training_records.errors import Refused
from training_records.reports import coverage_workbook

coverage = Blueprint("coverage", __name__)
SHOWN = 200


def read_report() -> CoverageReport:
    """The report that the query asks for: ``division``, ``year``, ``as_of``."""
    division = web.scope().division(web.db(), request.args.get("division"))
    try:
        year = int(request.args.get("year") or web.today().year)
        as_of = request.args.get("as_of")
        day = date.fromisoformat(as_of) if as_of else default_as_of(year, web.today())
    except ValueError:
        raise Refused("年份或日期写错了:年份如 2026,日期如 2026-11-24") from None
    if not 2000 <= year <= 2100:
        raise Refused("年份要在 2000 到 2100 之间")
    return compute(web.db(), division.code, year, day)


@coverage.get("/coverage")
@access(OFFICES)
def index() -> str:
    report = read_report()
    total = report.total
    status = request.args.get("status", "" if report.children else "all")
    people = [s for s in report.standings if _matches(s, status)]
    names = division_names(web.db(), prefix_of(total.code))
    crumbs = [d for d in path(web.db(), total.code) if d.code.startswith(web.scope().prefix)]
    children = sorted(report.children, key=lambda c: (-(c.uncovered + c.pending), c.code))
    return render_template(
        "coverage/index.html",
        report=report,
        total=total,
        children=children,
        crumbs=crumbs,
        status=status,
        people=people[:SHOWN],
        found=len(people),
        names=names,
        status_names=STATUS_NAMES,
        query=_query(report),
    )


def _matches(standing: Any, status: str) -> bool:
    if status == "not_inducted":
        return not standing.inducted
    return status == "all" or standing.status == status


def _query(report: CoverageReport) -> dict[str, str]:
    return {
        "division": report.total.code,
        "year": str(report.year),
        "as_of": report.as_of.isoformat(),
    }


@coverage.get("/coverage/chart.svg")
@access(OFFICES)
def chart() -> Response:
    return Response(coverage_svg(read_report(), "narrow" in request.args), mimetype="image/svg+xml")


@coverage.route("/coverage/export.xlsx", methods=["GET"])
@access(OFFICES)
@web.writes
def export() -> Response:
    report = read_report()
    names = division_names(web.db())
    data = coverage_workbook(web.db(), report, names)
    web.audit(
        "coverage.export",
        f"division:{report.total.code}",
        {"rows": len(report.standings), "year": report.year},
    )
    web.db().commit()
    return download(data, f"coverage-{report.total.code}-{report.as_of}.xlsx")


def download(data: bytes, name: str) -> Response:
    """A workbook as an attachment."""
    return Response(
        data, mimetype=web.XLSX, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
