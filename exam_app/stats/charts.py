"""Item analysis charts for item writers, as SVG: legible in greyscale print, text not converted to paths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from exam_app.core.drawing import drawing
from question_bank.classical import TestStats
from question_bank.information import total_information
from question_bank.irt import Calibration, ItemParameters, calibrated, probability

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, QUIET, TEAL, WARM = "#1c2733", "#52606d", "#0f6b66", "#b8430f"
THETA = np.round(np.linspace(-4, 4, 161), 2) + 0.0


def _svg(draw: Callable[[Axes], None], width: float, height: float) -> str:
    with drawing((width, height)) as picture:
        picture.figure.set_layout_engine("constrained")
        axes = picture.figure.add_subplot()
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        draw(axes)
    text = picture.svg.decode()
    return text[text.index("<svg") :]


def facility_and_discrimination(result: TestStats) -> str:
    """Scatter plot of facility (x) and corrected point-biserial (y), one dot per item."""
    shown = [
        (i.id, i.facility, i.point_biserial_corrected)
        for i in result.items
        if i.facility is not None and i.point_biserial_corrected is not None
    ]

    def draw(axes: Axes) -> None:
        for name, x, y in shown:
            poor = y < 0.15
            axes.plot(x, y, "s" if poor else "o", color=WARM if poor else TEAL, markersize=7)
            if poor or len(shown) <= 20:
                axes.annotate(name, (x, y), xytext=(5, 4), textcoords="offset points", color=INK)
        axes.axhline(0.15, color=QUIET, linewidth=1, linestyle="--")
        axes.set_xlim(0, 1)
        axes.set_xlabel("难度（答对的比例，越右越容易）")
        axes.set_ylabel("区分度（与其余各题总分的相关）")

    return _svg(draw, 7.2, 4.4)


def wright_map(calibration: Calibration) -> str:
    """Wright map: persons on the left, items on the right, on one ability scale."""
    theta = np.array([p.theta for p in calibration.persons])
    items = [(i.id, i.b) for i in calibration.items if i.b is not None]

    def draw(axes: Axes) -> None:
        counts, edges = np.histogram(theta, bins=np.linspace(-4, 4, 33))
        share = counts / max(counts.max(), 1)
        axes.barh(edges[:-1], -share, height=0.23, align="edge", color=TEAL)
        rows: dict[int, int] = {}
        for name, b in sorted(items, key=lambda pair: pair[1]):
            level = round(float(np.clip(b, -4, 4)) / 0.25)
            column = rows[level] = rows.get(level, 0) + 1
            axes.text(0.04 + 0.16 * (column - 1), level * 0.25, name, va="center", color=INK)
        axes.axvline(0, color=QUIET, linewidth=1)
        widest = max(rows.values(), default=1)
        axes.set_xlim(-1.05, max(1.0, 0.16 * widest + 0.2))
        axes.set_ylim(-4.2, 4.2)
        axes.set_xticks([])
        axes.set_ylabel("能力与难度（同一把尺，越高越强、越难）")
        axes.set_title("左：人　　　右：题", color=INK)

    return _svg(draw, 7.2, 6.2)


def information(calibration: Calibration) -> str:
    """Test information function over ability."""
    parameters = calibrated(calibration.items)

    def draw(axes: Axes) -> None:
        if parameters:
            a, b = zip(*parameters.values(), strict=True)
            curve = total_information(a, b, THETA)
            axes.plot(THETA, curve, color=TEAL, linewidth=2)
            top = int(curve.argmax())
            axes.annotate(
                f"在 {THETA[top] + 0.0:.1f} 处量得最准", (THETA[top], curve[top]), color=INK,
                xytext=(8, -14), textcoords="offset points",
            )  # fmt: skip
        axes.set_ylim(bottom=0)
        axes.set_xlabel("能力")
        axes.set_ylabel("信息量（越高量得越准）")

    return _svg(draw, 7.2, 3.2)


def characteristic_curves(items: Sequence[ItemParameters], most: int = 12) -> str:
    """Item characteristic curves of the `most` least discriminating items."""
    chosen = sorted(calibrated(items).items(), key=lambda pair: pair[1][0])[:most]

    def draw(axes: Axes) -> None:
        for number, (index, (a, b)) in enumerate(chosen):
            p = probability(np.array([a]), np.array([-a * b]), THETA)[0]
            style = ("-", "--", "-.", ":")[number % 4]
            axes.plot(THETA, p, style, color=TEAL if number % 2 else INK, linewidth=1.4)
            at = int(np.argmin(abs(p - (0.2 + 0.6 * number / max(len(chosen) - 1, 1)))))
            axes.annotate(items[index].id, (THETA[at], p[at]), color=QUIET)
        axes.set_ylim(0, 1)
        axes.set_xlabel("能力")
        axes.set_ylabel("答对的可能")

    return _svg(draw, 7.2, 4.2)
