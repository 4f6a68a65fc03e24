"""Charts: where things lie, and that what people typed is no markup."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree

import pytest
from PIL import Image

from exam_app.core.drawing import Plot, bars_png, round_ticks, width_of

SVG = "{http://www.w3.org/2000/svg}"


def test_values_lie_where_their_axes_say():
    plot = Plot((200, 100), (20, 10, 30, 40), x=(0, 10), y=(0, 5))
    assert plot.at(0, 0) == (20, 60) and plot.at(10, 5) == (170, 10)
    assert plot.at(5, 2.5) == (95, 35)
    down = Plot((200, 100), (20, 10, 30, 40), x=(0, 10), y=(5, 0))
    assert down.at(0, 0) == (20, 10)


def test_bars_lines_and_words_become_a_picture_that_any_reader_takes():
    plot = Plot((200, 100), (20, 10, 30, 40), x=(0, 10), y=(0, 5))
    plot.bar((0, 5), (1, 2), "#111111", marks="dots")
    plot.line([(0, 0), (10, 5)], "#222222", dash="1 2", dots=True)
    plot.note(5, 5, "<村>&", size=10)
    plot.ticks_below([(0, "一月")])
    plot.ticks_left([(5, "全部")])
    plot.titles("下面", "旁边")
    root = ElementTree.fromstring(plot.svg)
    bar, marks = root.findall(f"{SVG}rect")
    assert [bar.get(k) for k in ("x", "y", "width", "height")] == ["20.0", "40.0", "75.0", "10.0"]
    assert (
        marks.get("fill") == "url(#dots)"
        and root.find(f"{SVG}defs/{SVG}pattern[@id='dots']") is not None
    )
    line = root.find(f"{SVG}polyline")
    assert line.get("points") == "20.0,60.0 170.0,10.0" and line.get("stroke-dasharray") == "1 2"
    assert len(root.findall(f"{SVG}circle")) == 2
    assert [t.text for t in root.iter(f"{SVG}text")] == ["<村>&", "一月", "全部", "下面", "旁边"]
    assert "script" not in plot.svg and "style=" not in plot.svg


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0, 1, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (-4.2, 4.2, ["-4", "-2", "0", "2", "4"]),
        (0, 37, ["0", "10", "20", "30"]),
        (0.11, 0.29, ["0.15", "0.20", "0.25"]),
    ],
)
def test_ticks_are_round(low, high, words):
    assert [word for _, word in round_ticks(low, high)] == words


def test_ticks_of_no_range_are_few():
    assert len(round_ticks(1, 1)) <= 1


def test_chinese_is_about_twice_as_wide_as_latin():
    assert width_of("覆盖率", 10) == 30
    assert 10 < width_of("abc", 10) < 20


def test_bars_for_a_document_are_as_long_as_their_values():
    rows = [("平度市", 100.0, "100%"), ("莱西市", 50.0, "50%")]
    png = bars_png("到课率", rows, colours=["#0f6b66"], limit=118)
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    assert picture.format is None and picture.width == 1600

    def teal(share: float) -> int:
        line = int(picture.height * share)
        return sum(picture.getpixel((x, line)) == (15, 107, 102) for x in range(picture.width))

    height = 40 + 60 + 6
    longer, shorter = teal((34 + 15) / height), teal((34 + 45) / height)
    assert longer / shorter == pytest.approx(2, abs=0.02) and re.match(rb"\x89PNG", png)
