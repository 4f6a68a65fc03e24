"""Coverage charts as SVG: bars by division, the trend over the year."""

from __future__ import annotations

from datetime import date

from exam_app.core.drawing import BAR, DOTTED, INK, LINE, QUIET, ROW, Plot
from training_records.coverage.definition import Coverage, CoverageReport
from training_records.coverage.reading import Course

GOOD, WAIT, BAD = "#1f7a3d", "#e0b84c", "#d9847e"
WIDE, NARROW = 518, 281
MAX_BARS = 24
SERIES = (
    ("已覆盖", "covered", GOOD, ""),
    ("待训", "pending", WAIT, "dots"),
    ("未覆盖", "uncovered", BAD, "strokes"),
)
SHARES = [(0, "0"), (50, "50%"), (100, "100%")]


def coverage_svg(report: CoverageReport, narrow: bool = False) -> str:
    """Draws stacked bars (covered, pending, uncovered) per subdivision, those with most people missing on top.

    `narrow` is for phones: a smaller figure keeps the text readable.
    """
    rows, width, size = _bars(report), NARROW if narrow else WIDE, 11.5 if narrow else 11
    count = max(len(rows), 1)
    plot = Plot((width, 62 + ROW * count), (80, 32, 66, 30), x=(0, 100), y=(count, 0))
    if not rows:
        plot.text((width / 2, 40), "没有在岗的儿童主任", colour=QUIET, anchor="middle")
        return plot.svg
    plot.legend([(title, colour, marks) for title, _, colour, marks in SERIES], size)
    for n, row in enumerate(rows):
        middle, done = n + 0.5, 0.0
        for _, attribute, colour, marks in SERIES:
            share = 100 * getattr(row, attribute) / row.in_post
            if share:
                edges = (middle - BAR / 2, middle + BAR / 2)
                plot.bar((done, done + share), edges, colour, marks=marks)
            done += share
        missing = row.pending + row.uncovered
        words = f"差 {missing} 人" if missing else "全覆盖"
        plot.note(100, middle, words, shift=(6, 0), size=size)
        plot.ticks_left([(middle, row.name[:6])], size, INK)
    plot.ticks_below(SHARES, size)
    return plot.svg


def course_svg(course: Course, today: date, narrow: bool = False) -> str:
    """Draws the share covered at the end of each month so far, and the year-end forecast as a dotted line."""
    size = 11.5 if narrow else 11
    plot = Plot((NARROW if narrow else WIDE, 187), (42, 18, 18, 26), x=(0, 12.15), y=(0, 112))
    shares = [100 * n / course.in_post for n in course.by_month] if course.in_post else []
    # Plot each month at its end, the current month at today.
    months_elapsed = [*range(1, len(shares)), today.month - 1 + today.day / 31][: len(shares)]
    plot.level(100, LINE)
    if shares:
        points = list(zip([0, *months_elapsed], [0, *shares], strict=True))
        plot.line(points, GOOD, width=2.2, dots=True)
        plot.note(*points[-1], f"{shares[-1]:.1f}%", shift=(0, -12), size=size, anchor="end")
        if course.forecast is not None:
            end = 100 * course.forecast / course.in_post
            plot.line([points[-1], (12, end)], GOOD, width=1.6, dash=DOTTED)
    months = range(2, 13, 2) if narrow else range(1, 13)
    plot.ticks_below([(m, f"{m}月") for m in months], size)
    plot.ticks_left(SHARES, size)
    return plot.svg


def _bars(report: CoverageReport) -> list[Coverage]:
    rows = sorted(
        report.children or [report.total], key=lambda c: (-(c.uncovered + c.pending), c.code)
    )
    return [r for r in rows if r.in_post][:MAX_BARS]
