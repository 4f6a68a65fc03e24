"""Item analysis charts for item writers, as SVG: legible in greyscale print, text not converted to paths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from exam_app.core.drawing import DASHES, INK, QUIET, Plot, round_ticks
from question_bank.classical import TestStats
from question_bank.information import total_information
from question_bank.irt import Calibration, ItemParameters, calibrated, probability

TEAL, WARM = "#0f6b66", "#b8430f"
THETA = np.round(np.linspace(-4, 4, 161), 2) + 0.0
ENDS = (-4.2, 4.2)


def _plot(height: float, x: tuple[float, float], y: tuple[float, float]) -> Plot:
    plot = Plot((518, height), (58, 14, 16, 46), x=x, y=y)
    plot.ticks_below(round_ticks(*x))
    plot.ticks_left(round_ticks(*y))
    return plot


def facility_and_discrimination(result: TestStats) -> str:
    """Scatter plot of facility (x) and corrected point-biserial (y), one dot per item."""
    shown = [
        (i.id, i.facility, i.point_biserial_corrected)
        for i in result.items
        if i.facility is not None and i.point_biserial_corrected is not None
    ]
    heights = [0.15, *(y for *_, y in shown)]
    plot = _plot(317, (0, 1), (min(heights) - 0.05, max(heights) + 0.05))
    for name, x, y in shown:
        poor = y < 0.15
        plot.dot(x, y, WARM if poor else TEAL, square=poor)
        if poor or len(shown) <= 20:
            # At the right edge the name stands before its dot.
            late = x > 0.85
            plot.note(x, y, name, shift=(-6 if late else 6, -6), anchor="end" if late else "start")
    plot.level(0.15, QUIET, dash="6 3")
    plot.titles("难度（答对的比例，越右越容易）", "区分度（与其余各题总分的相关）")
    return plot.svg


def wright_map(calibration: Calibration) -> str:
    """Wright map: persons on the left, items on the right, on one ability scale."""
    theta = np.array([p.theta for p in calibration.persons])
    items = [(i.id, i.b) for i in calibration.items if i.b is not None]
    counts, edges = np.histogram(theta, bins=np.linspace(-4, 4, 33))
    rows: dict[int, int] = {}
    places = []
    for name, b in sorted(items, key=lambda pair: pair[1]):
        level = round(float(np.clip(b, -4, 4)) / 0.25)
        column = rows[level] = rows.get(level, 0) + 1
        places.append((0.04 + 0.16 * (column - 1), level * 0.25, name))
    widest = max(rows.values(), default=1)
    plot = Plot((518, 446), (58, 30, 16, 14), x=(-1.05, max(1.0, 0.16 * widest + 0.2)), y=ENDS)
    plot.ticks_left(round_ticks(*ENDS))
    for low, share in zip(edges[:-1], counts / max(counts.max(), 1), strict=True):
        if share:
            plot.bar((-float(share), 0), (float(low), float(low) + 0.23), TEAL)
    for x, y, name in places:
        plot.note(x, y, name)
    plot.line([(0, ENDS[0]), (0, ENDS[1])], QUIET, width=1)
    plot.note(0, ENDS[1], "左：人　　　右：题", shift=(0, -14), anchor="middle")
    plot.titles(beside="能力与难度（同一把尺，越高越强、越难）")
    return plot.svg


def information(calibration: Calibration) -> str:
    """Test information function over ability."""
    parameters = calibrated(calibration.items)
    curve = np.zeros(len(THETA))
    if parameters:
        a, b = zip(*parameters.values(), strict=True)
        curve = total_information(a, b, THETA)
    plot = _plot(230, ENDS, (0, 1.1 * float(curve.max()) or 1.0))
    if parameters:
        plot.line(_points(curve), TEAL)
        top = int(curve.argmax())
        plot.note(
            float(THETA[top]),
            float(curve[top]),
            f"在 {THETA[top] + 0.0:.1f} 处量得最准",
            shift=(8, 14),
        )
    plot.titles("能力", "信息量（越高量得越准）")
    return plot.svg


def characteristic_curves(items: Sequence[ItemParameters], most: int = 12) -> str:
    """Item characteristic curves of the `most` least discriminating items."""
    chosen = sorted(calibrated(items).items(), key=lambda pair: pair[1][0])[:most]
    plot = _plot(302, ENDS, (0, 1))
    for number, (index, (a, b)) in enumerate(chosen):
        p = probability(np.array([a]), np.array([-a * b]), THETA)[0]
        colour = TEAL if number % 2 else INK
        plot.line(_points(p), colour, width=1.4, dash=DASHES[number % 4])
        at = int(np.argmin(abs(p - (0.2 + 0.6 * number / max(len(chosen) - 1, 1)))))
        plot.note(float(THETA[at]), float(p[at]), items[index].id, colour=QUIET)
    plot.titles("能力", "答对的可能")
    return plot.svg


def _points(values: np.ndarray) -> list[tuple[float, float]]:
    return list(zip(THETA.tolist(), values.tolist(), strict=True))
