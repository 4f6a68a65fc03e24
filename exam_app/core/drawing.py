"""Charts as SVG; text stays text. Typst makes a PNG of one, for documents.

Bars, lines and dots need no plotting library, which would be a tenth of the whole installation.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from training_records.typesetting import svg_to_png

# The reader's own Chinese font; the last named one is ours, for the PNG.
FONTS = "PingFang SC, Microsoft YaHei, Noto Sans CJK SC, Noto Sans SC, sans-serif"
INK, QUIET, LINE = "#1c2733", "#52606d", "#d9dfe5"
# Dash patterns that are told apart in grey print.
DASHES = ("", "6 3", "7 3 1.5 3", "1.5 3", "7 2 1.5 2 1.5 2")
DOTTED = "1.5 3"
# White marks over a colour, so that colours differ in grey too.
MARKS = {
    "dots": '<circle cx="3" cy="3" r="1.1" fill="#fff"/>',
    "strokes": '<path d="M-1 1L1 -1M0 6L6 0M5 7L7 5" stroke="#fff" stroke-width="1.2"/>',
}
BAR, ROW = 0.62, 30.0

Point = tuple[float, float]


class Plot:
    """A chart of `size` points. `frame` is the space that it leaves left, top, right and bottom of the data.

    `x` and `y` are what the data's corners stand for; y grows upwards, unless it is given as (high, low).
    """

    def __init__(
        self, size: Point, frame: tuple[float, float, float, float], *, x: Point, y: Point
    ) -> None:
        self.width, self.height = size
        self.left, self.top, right, bottom = frame
        self.right, self.bottom = self.width - right, self.height - bottom
        self.x, self.y = x, y
        self._parts: list[str] = []

    def at(self, x: float, y: float) -> Point:
        """Where a value lies, in points from the top left."""
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return (
            self.left + across * (self.right - self.left),
            self.bottom - up * (self.bottom - self.top),
        )

    def line(
        self,
        points: Iterable[Point],
        colour: str,
        *,
        width: float = 2.0,
        dash: str = "",
        dots: bool = False,
    ) -> None:
        """A line through values; `dash` as in SVG."""
        places = [self.at(*point) for point in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"'
            f' stroke-linejoin="round"{dashes}/>'
        )
        if dots:
            self._parts += [_circle(place, 2.2, colour) for place in places]

    def dot(self, x: float, y: float, colour: str, *, square: bool = False) -> None:
        """A mark at a value."""
        left, top = self.at(x, y)
        self._parts.append(
            _rect((left - 3.5, top - 3.5), (7, 7), colour)
            if square
            else _circle((left, top), 3.5, colour)
        )

    def bar(self, x: Point, y: Point, colour: str, *, marks: str = "") -> None:
        """A filled rectangle from `x` to `x` and `y` to `y`; `marks` is a key of `MARKS`."""
        (x0, y0), (x1, y1) = self.at(x[0], y[0]), self.at(x[1], y[1])
        place, size = (min(x0, x1), min(y0, y1)), (abs(x1 - x0), abs(y1 - y0))
        self._parts.append(_rect(place, size, colour))
        if marks:
            self._parts.append(_rect(place, size, f"url(#{marks})"))

    def text(
        self,
        place: Point,
        words: str,
        *,
        size: float = 11,
        colour: str = INK,
        anchor: str = "start",
        bold: bool = False,
    ) -> None:
        """Words at a place in points; `anchor` is `start`, `middle` or `end`."""
        weight = ' font-weight="bold"' if bold else ""
        # A third of the size: the middle of a Chinese sign lies on the place.
        self._parts.append(
            f'<text x="{place[0]:.1f}" y="{place[1] + size * 0.36:.1f}" font-size="{size}"'
            f' fill="{colour}" text-anchor="{anchor}"{weight}>{escape(words)}</text>'
        )

    def note(
        self, x: float, y: float, words: str, *, shift: Point = (0, 0), size: float = 11,
        colour: str = INK, anchor: str = "start",
    ) -> None:  # fmt: skip
        """Words beside a value."""
        left, top = self.at(x, y)
        self.text((left + shift[0], top + shift[1]), words, size=size, colour=colour, anchor=anchor)

    def ticks_below(self, ticks: Iterable[tuple[float, str]], size: float = 11) -> None:
        """The line under the data and words below it."""
        self._rule((self.left, self.bottom), (self.right, self.bottom), LINE)
        for x, words in ticks:
            place = (self.at(x, self.y[0])[0], self.bottom + size)
            self.text(place, words, size=size, colour=QUIET, anchor="middle")

    def ticks_left(
        self, ticks: Iterable[tuple[float, str]], size: float = 11, colour: str = QUIET
    ) -> None:
        """Words left of the data."""
        for y, words in ticks:
            place = (self.left - 6, self.at(self.x[0], y)[1])
            self.text(place, words, size=size, colour=colour, anchor="end")

    def titles(self, below: str = "", beside: str = "") -> None:
        """What the axes stand for; the upright one is set on its side."""
        if below:
            middle = ((self.left + self.right) / 2, self.height - 9)
            self.text(middle, below, anchor="middle")
        if beside:
            y = (self.top + self.bottom) / 2
            self._parts.append(f'<g transform="translate(12 {y:.1f}) rotate(-90)">')
            self.text((0, 0), beside, anchor="middle")
            self._parts.append("</g>")

    def level(self, y: float, colour: str, *, dash: str = "") -> None:
        """A thin line across at a value."""
        self.line([(self.x[0], y), (self.x[1], y)], colour, width=1, dash=dash)

    def legend(self, rows: Iterable[tuple[str, str, str]], size: float = 11) -> None:
        """(word, colour, marks) side by side above the data."""
        left, middle = self.left, self.top - size
        for word, colour, marks in rows:
            box = ((left, middle - size / 2), (1.2 * size, size))
            self._parts.append(_rect(*box, colour))
            if marks:
                self._parts.append(_rect(*box, f"url(#{marks})"))
            self.text((left + 1.6 * size, middle), word, size=size)
            left += 2.8 * size + width_of(word, size)

    def _rule(self, start: Point, end: Point, colour: str) -> None:
        self._parts.append(
            f'<path d="M{start[0]:.1f} {start[1]:.1f}L{end[0]:.1f} {end[1]:.1f}" stroke="{colour}"/>'
        )

    @property
    def svg(self) -> str:
        patterns = "".join(
            f'<pattern id="{name}" width="6" height="6" patternUnits="userSpaceOnUse">{mark}</pattern>'
            for name, mark in MARKS.items()
            if any(f"url(#{name})" in part for part in self._parts)
        )
        w, h = f"{self.width:g}", f"{self.height:g}"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}pt" height="{h}pt"'
            f' viewBox="0 0 {w} {h}" font-family="{FONTS}">'
            f"{f'<defs>{patterns}</defs>' if patterns else ''}{''.join(self._parts)}</svg>"
        )


def _rect(place: Point, size: Point, fill: str) -> str:
    return (
        f'<rect x="{place[0]:.1f}" y="{place[1]:.1f}" width="{size[0]:.1f}" height="{size[1]:.1f}"'
        f' fill="{fill}"/>'
    )


def _circle(place: Point, radius: float, fill: str) -> str:
    return f'<circle cx="{place[0]:.1f}" cy="{place[1]:.1f}" r="{radius}" fill="{fill}"/>'


def width_of(words: str, size: float) -> float:
    """About how wide words are, in points: a Chinese sign is as wide as high."""
    return size * sum(1.0 if ord(sign) > 0x2E7F else 0.58 for sign in words)


def round_ticks(low: float, high: float, most: int = 6) -> list[tuple[float, str]]:
    """Round values between two, at most `most` or one more, with their words."""
    step = (high - low) / most or 1.0
    magnitude = 10.0 ** math.floor(math.log10(step))
    step = next(n * magnitude for n in (1, 2, 5, 10) if n * magnitude >= step * 0.999)
    digits = max(0, -math.floor(math.log10(step)))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [(n * step, f"{n * step:.{digits}f}") for n in range(first, last + 1)]


def bars_png(
    title: str,
    rows: Sequence[tuple[str, float, str]],
    *,
    colours: Sequence[str],
    limit: float,
    below: str = "",
) -> bytes:
    """Level bars for a document, as PNG: (name, value, words behind it) from top to bottom."""
    left = 14 + max((width_of(name, 12) for name, *_ in rows), default=0)
    count = max(len(rows), 1)
    plot = Plot(
        (576, 40 + ROW * count + (24 if below else 6)),
        (left, 34, 8, 24 if below else 6),
        x=(0, limit),
        y=(count, 0),
    )
    plot.text((left, 16), title, size=14, bold=True)
    for n, (name, value, words) in enumerate(rows):
        middle = n + 0.5
        plot.bar((0, value), (middle - BAR / 2, middle + BAR / 2), colours[n % len(colours)])
        plot.note(value, middle, words, shift=(5, 0), size=12)
        plot.ticks_left([(middle, name)], 12, INK)
    plot.titles(below)
    return svg_to_png(plot.svg)
