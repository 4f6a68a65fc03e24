"""Dashboard of the five dimensions by division and year, with drill-down to people."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request

from exam_app import web
from exam_app.core.drawing import drawing
from exam_app.web.access import OFFICES, access
from training_records.errors import Refused
from training_records.evaluation.dashboard import Dashboard, dashboard
from training_records.evaluation.models import STATES
from training_records.evaluation.scheme import DIMENSIONS
from training_records.ledger.service import person_names

dashboards = Blueprint("dashboards", __name__)
INK, QUIET, LINE = "#1c2733", "#52606d", "#d9dfe5"
# Dash patterns, so that the lines can be told apart in greyscale print.
STROKES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
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


def trend_svg(board: Dashboard, *, narrow: bool = False) -> bytes:
    """Draws one line per dimension over the years, from 0 to 100 %, labelled at its end."""
    size = 11.5 if narrow else 11
    with drawing((3.9 if narrow else 7.2, 3.0)) as picture:
        axes = picture.figure.add_axes(
            (0.12 if narrow else 0.08, 0.12, 0.5 if narrow else 0.66, 0.82)
        )
        years = [year for year, _ in board.trend]
        ends = []
        for (key, title), stroke in zip(DIMENSIONS.items(), STROKES, strict=True):
            points = [
                (year, 100 * share)
                for year, group in board.trend
                if (share := group.shares.get(key)) is not None
            ]
            if points:
                axes.plot(*zip(*points, strict=True), color=INK, linewidth=1.8, linestyle=stroke,
                          marker="o", markersize=4)  # fmt: skip
                ends.append((points[-1][1], f"{title} {points[-1][1]:.0f}%"))
        # Move overlapping labels apart: at least 9 percentage points.
        height = -10.0
        for value, label in sorted(ends):
            height = max(value, height + 9)
            axes.annotate(label, (1.02, height / 100), xycoords="axes fraction", va="center",
                          fontsize=size, color=INK, annotation_clip=False)  # fmt: skip
        axes.set_ylim(0, 100)
        if years:
            axes.set_xlim(years[0] - 0.2, years[-1] + 0.2)
        axes.set_xticks(years, [f"{y}" for y in years], color=QUIET, fontsize=size)
        axes.set_yticks([0, 50, 100], ["0", "50%", "100%"], color=QUIET, fontsize=size)
        axes.tick_params(length=0)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.spines["bottom"].set_color(LINE)
    return picture.svg
