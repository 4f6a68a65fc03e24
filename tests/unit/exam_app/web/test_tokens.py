"""The colours: enough contrast in each theme, and dark is the same however it was chosen."""

from __future__ import annotations

import re

import pytest

from exam_app.web.stylesheet import FOLDER

CSS = re.sub(r"/\*.*?\*/", "", (FOLDER / "tokens.css").read_text(), flags=re.DOTALL)
LARGE = ':is([data-size="22"], [data-size="26"], .large)'
DEVICE, CHOSEN = ":root:not([data-theme=light])", ":root[data-theme=dark]"
WORDS = [
    *[(ink, ground) for ink in ("ink", "quiet", "primary") for ground in ("paper", "ground")],
    *[(kind, on) for kind in ("good", "wait", "bad") for on in ("paper", f"{kind}-soft")],
    ("primary-deep", "primary-soft"),
    ("ink", "primary-soft"),
    ("on-primary", "primary"),
    ("on-primary", "primary-deep"),
    ("on-bar", "bar"),
]
SIGNS = [("edge", "paper"), ("edge", "ground"), ("focus", "paper"), ("focus", "ground")]


def colours(selector: str) -> dict[str, str]:
    """Name → colour, of the rule with exactly this selector."""
    (rule,) = re.findall(rf"(?m)^\s*{re.escape(selector)} \{{([^}}]*)\}}", CSS)[:1]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", rule))


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * d for d in colour[1:])
    parts = [int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


LIGHT = colours(":root")
DARK = LIGHT | colours(CHOSEN)
THEMES = {
    "light": (LIGHT, 4.5),
    "dark": (DARK, 4.5),
    "light-large": (LIGHT | colours(":root" + LARGE), 7),
    "dark-large": (DARK | colours(CHOSEN + LARGE), 7),
}


@pytest.mark.parametrize("theme", THEMES)
def test_words_and_signs_stand_out(theme):
    palette, least = THEMES[theme]
    ratios = {pair: round(contrast(palette[pair[0]], palette[pair[1]]), 2) for pair in WORDS}
    assert {pair: ratio for pair, ratio in ratios.items() if ratio < least} == {}
    ratios = {pair: round(contrast(palette[pair[0]], palette[pair[1]]), 2) for pair in SIGNS}
    assert {pair: ratio for pair, ratio in ratios.items() if ratio < 3} == {}


def test_dark_is_one_palette():
    assert colours(DEVICE) == colours(CHOSEN)
    assert colours(DEVICE + LARGE) == colours(CHOSEN + LARGE)
    # What large light sets, large dark sets too: else its light value would win.
    assert colours(":root" + LARGE).keys() == colours(CHOSEN + LARGE).keys()


def test_contrast_is_the_one_of_wcag():
    assert contrast("#000", "#fff") == 21
    assert round(contrast("#777777", "#fff"), 2) == 4.48


def test_there_are_four_sizes():
    assert re.findall(r"--size: (\d+)px", CSS) == ["18", "20", "22", "26"]
