"""Dashboard of the five dimensions by division and year, with drill-down to people."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request

from exam_app import web
from exam_app.core.drawing import DASHES, INK, Plot
from exam_app.web.access import OFFICES, access
from training_records.errors import Refused
from training_records.evaluation.dashboard import Dashboard, dashboard
from training_records.evaluation.models import STATES
from training_records.evaluation.scheme import DIMENSIONS
from training_records.ledger.service import person_names

dashboards = Blueprint("dashboards", __name__)
OUTLIERS = 20


def _dashboard() -> Dashboard:
    year = request.args.get("year", web.today().year, type=int)
    if not 2020 <= year <= web.today().year:
        raise Refused("年份填 2020 到今年")
    return dashboard(web.db(), web.scope().prefix, year)


@dashboards.get("/evaluation/dashboard")
@access(OFFICES)
@web.report
def index() -> str:
    board = _dashboard()
    outliers = [(run.run_id, o) for run in board.runs for o in run.outliers]
    outliers = sorted(outliers, key=lambda f: abs(f[1].total - f[1].middle), reverse=True)
    ids = [o.person_id for _, o in outliers[:OUTLIERS]]
    web.prefetch_division_names([g.name for g in board.places])
    return render_template(
        "evaluation/dashboard.html",
        found=board,
        dimensions=DIMENSIONS,
        states=STATES,
        run_of={run.code: run for run in board.runs},
        far=outliers[:OUTLIERS],
        more=max(len(outliers) - OUTLIERS, 0),
        names=person_names(web.db(), ids),
    )


@dashboards.get("/evaluation/trend.svg")
@access(OFFICES)
@web.report
def trend() -> Response:
    response = make_response(trend_svg(_dashboard(), narrow="narrow" in request.args))
    response.mimetype = "image/svg+xml"
    return response


def trend_svg(board: Dashboard, *, narrow: bool = False) -> str:
    """Draws one line per dimension over the years, from 0 to 100 %, labelled at its end."""
    size, years = 11.5 if narrow else 11, [year for year, _ in board.trend]
    ends = (years[0] - 0.2, years[-1] + 0.2) if years else (0, 1)
    plot = Plot(
        (281, 216) if narrow else (518, 216),
        (38, 14, 108 if narrow else 135, 26),
        x=ends,
        y=(0, 100),
    )
    labels = []
    for (key, title), dash in zip(DIMENSIONS.items(), DASHES, strict=True):
        points = [
            (year, 100 * share)
            for year, group in board.trend
            if (share := group.shares.get(key)) is not None
        ]
        if points:
            plot.line(points, INK, width=1.8, dash=dash, dots=True)
            labels.append((points[-1][1], f"{title} {points[-1][1]:.0f}%"))
    # Move overlapping labels apart: at least 9 percentage points.
    height = -10.0
    for value, label in sorted(labels):
        height = max(value, height + 9)
        plot.note(ends[1], height, label, shift=(4, 0), size=size)
    plot.ticks_below([(year, f"{year}") for year in years], size)
    plot.ticks_left([(0, "0"), (50, "50%"), (100, "100%")], size)
    return plot.svg
