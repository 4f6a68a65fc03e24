"""Coverage charts as SVG, drawn by matplotlib on the server: bars by division, the trend over the year."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from exam_app.core.drawing import drawing
from training_records.coverage.definition import Coverage, CoverageReport
from training_records.coverage.reading import Course

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, QUIET, GOOD, WAIT, BAD = "#1c2733", "#52606d", "#1f7a3d", "#e0b84c", "#d9847e"
MAX_BARS = 24


def coverage_svg(report: CoverageReport, narrow: bool = False) -> bytes:
    """Draws stacked bars (covered, pending, uncovered) per subdivision, those with most people missing on top.

    `narrow` is for phones: a smaller figure keeps the text readable.
    """
    rows = _bars(report)
    height = 1.1 + 0.42 * max(len(rows), 1)
    with drawing((3.9 if narrow else 7.2, height)) as picture:
        left, width = (0.25, 0.49) if narrow else (0.17, 0.7)
        axes = picture.figure.add_axes((left, 0.4 / height, width, (height - 0.85) / height))
        _draw(axes, rows, 11.5 if narrow else 11)
    return picture.svg


def course_svg(course: Course, today: date, narrow: bool = False) -> bytes:
    """Draws the share covered at the end of each month so far, and the year-end forecast as a dotted line."""
    size = 11.5 if narrow else 11
    with drawing((3.9 if narrow else 7.2, 2.6)) as picture:
        left = 0.14 if narrow else 0.08
        axes = picture.figure.add_axes((left, 0.14, 0.94 - left, 0.76))
        shares = [100 * n / course.in_post for n in course.by_month] if course.in_post else []
        # Plot each month at its end, the current month at today.
        months_elapsed = [*range(1, len(shares)), today.month - 1 + today.day / 31][: len(shares)]
        if shares:
            axes.plot(
                [0, *months_elapsed],
                [0, *shares],
                color=GOOD,
                linewidth=2.2,
                marker="o",
                markersize=4,
            )
            axes.annotate(f"{shares[-1]:.1f}%", (months_elapsed[-1], shares[-1]), (0, 8), size=size, color=INK,
                          textcoords="offset points", ha="right")  # fmt: skip
        if course.forecast is not None:
            end = 100 * course.forecast / course.in_post
            axes.plot(
                [months_elapsed[-1], 12],
                [shares[-1], end],
                color=GOOD,
                linewidth=1.6,
                linestyle=":",
            )
        axes.axhline(100, color="#d9dfe5", linewidth=1)
        axes.set_xlim(0, 12.15)
        axes.set_ylim(0, 112)
        ticks = range(2, 13, 2) if narrow else range(1, 13)
        axes.set_xticks(list(ticks), [f"{m}月" for m in ticks], color=QUIET, fontsize=size)
        axes.set_yticks([0, 50, 100], ["0", "50%", "100%"], color=QUIET, fontsize=size)
        axes.tick_params(length=0)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.spines["bottom"].set_color("#d9dfe5")
    return picture.svg


def _bars(report: CoverageReport) -> list[Coverage]:
    rows = sorted(
        report.children or [report.total], key=lambda c: (-(c.uncovered + c.pending), c.code)
    )
    return [r for r in rows if r.in_post][:MAX_BARS]


def _draw(axes: Axes, rows: list[Coverage], size: float) -> None:
    if not rows:
        axes.text(
            0.5, 0.5, "没有在岗的儿童主任", ha="center", color=QUIET, transform=axes.transAxes
        )
        axes.set_axis_off()
        return
    positions = range(len(rows))
    left = [0.0] * len(rows)
    series = (
        ("已覆盖", "covered", GOOD, ""),
        ("待训", "pending", WAIT, "..."),
        ("未覆盖", "uncovered", BAD, "///"),
    )
    for title, attribute, colour, hatch in series:
        widths = [getattr(r, attribute) / r.in_post * 100 for r in rows]
        axes.barh(
            positions,
            widths,
            left=left,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            height=0.62,
            label=title,
        )
        left = [a + b for a, b in zip(left, widths, strict=True)]
    for at, row in enumerate(rows):
        missing = row.pending + row.uncovered
        axes.text(
            101,
            at,
            f"差 {missing} 人" if missing else "全覆盖",
            va="center",
            fontsize=size,
            color=INK,
        )
    axes.set_yticks(list(positions), [r.name[:6] for r in rows], fontsize=size, color=INK)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(0, 100)
    axes.set_xticks([0, 50, 100], ["0", "50%", "100%"], color=QUIET, fontsize=size)
    axes.tick_params(length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color("#d9dfe5")
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-0.01, 1.0),
        ncols=3,
        frameon=False,
        fontsize=size,
        handlelength=1.2,
        columnspacing=1.0,
        borderaxespad=0.2,
    )
