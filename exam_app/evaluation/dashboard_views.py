"""The five dimensions over places and years, with the way down to the person."""

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
# Told apart in grey print too: each line has its own dashes and its name at its end.
STROKES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
OUTLIERS = 20


def _found() -> Dashboard:
    year = request.args.get("year", web.today().year, type=int)
    if not 2020 <= year <= web.today().year:
        raise Refused("年份填 2020 到今年")
    return dashboard(web.db(), web.scope().prefix, year)


@dashboards.get("/evaluation/dashboard")
@access(OFFICES)
@web.report
def index() -> str:
    found = _found()
    far = [(run.run_id, o) for run in found.runs for o in run.outliers]
    far = sorted(far, key=lambda f: abs(f[1].total - f[1].middle), reverse=True)
    ids = [o.person_id for _, o in far[:OUTLIERS]]
    web.prefetch_division_names([g.name for g in found.places])
    return render_template(
        "evaluation/dashboard.html",
        found=found,
        dimensions=DIMENSIONS,
        states=STATES,
        run_of={run.code: run for run in found.runs},
        far=far[:OUTLIERS],
        more=max(len(far) - OUTLIERS, 0),
        names=person_names(web.db(), ids),
    )


@dashboards.get("/evaluation/trend.svg")
@access(OFFICES)
@web.report
def trend() -> Response:
    answer = make_response(trend_svg(_found(), narrow="narrow" in request.args))
    answer.mimetype = "image/svg+xml"
    return answer


def trend_svg(found: Dashboard, *, narrow: bool = False) -> bytes:
    """A line a dimension over the years, from 0 to 100 %, named at its end."""
    size = 11.5 if narrow else 11
    with drawing((3.9 if narrow else 7.2, 3.0)) as picture:
        axes = picture.figure.add_axes(
            (0.12 if narrow else 0.08, 0.12, 0.5 if narrow else 0.66, 0.82)
        )
        years = [year for year, _ in found.trend]
        ends = []
        for (key, title), stroke in zip(DIMENSIONS.items(), STROKES, strict=True):
            points = [
                (year, 100 * share)
                for year, group in found.trend
                if (share := group.shares.get(key)) is not None
            ]
            if points:
                axes.plot(*zip(*points, strict=True), color=INK, linewidth=1.8, linestyle=stroke,
                          marker="o", markersize=4)  # fmt: skip
                ends.append((points[-1][1], f"{title} {points[-1][1]:.0f}%"))
        # Names that would lie on each other are moved apart.
        at = -10.0
        for value, words in sorted(ends):
            at = max(value, at + 9)
            axes.annotate(words, (1.02, at / 100), xycoords="axes fraction", va="center",
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
