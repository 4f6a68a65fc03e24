"""The icons of the pages: one SVG sprite, made from the Lucide set that is installed, with only the icons used."""

from __future__ import annotations

import re
from functools import cache

from lucide.jinja import lucide

# What it says here → its name in the set.
ICONS = {
    "today": "sun",
    "learn": "book-open",
    "exam": "pencil-line",
    "me": "user-round",
    "overview": "layout-dashboard",
    "people": "users",
    "coverage": "chart-column",
    "event": "presentation",
    "course": "list-checks",
    "evaluation": "gauge",
    "certificate": "award",
    "bank": "library",
    "settings": "settings-2",
    "help": "circle-question-mark",
    "back": "chevron-left",
    "on": "chevron-right",
}


@cache
def sprite() -> bytes:
    """A `<symbol>` for each icon. Stroke and fill are the stylesheet's."""
    symbols = "".join(
        f'<symbol id="{name}" viewBox="0 0 24 24">{_shapes(kept)}</symbol>'
        for name, kept in ICONS.items()
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg">{symbols}</svg>'.encode()


def _shapes(kept: str) -> str:
    """What stands inside the `<svg>` of an icon of the set."""
    drawn = re.sub(r"\s+", " ", str(lucide(kept)))
    return re.sub(r" ?(/?>) ?", r"\1", drawn[drawn.index(">") + 1 : drawn.rindex("</svg>")]).strip()
