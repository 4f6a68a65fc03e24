"""Charts as SVG, rendered by matplotlib on the server; text stays text."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from training_records.typesetting import font_folder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FONTS = ["PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif"]
_LOCK = threading.Lock()


@lru_cache
def _matplotlib() -> None:
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import font_manager

    # Laid out with the bundled font; rendered with the reader's own Chinese font.
    font_manager.fontManager.addfont(f"{font_folder()}/NotoSansCJKsc-Regular.otf")
    matplotlib.rcParams.update(
        {
            "svg.fonttype": "none",
            "font.family": ["Noto Sans CJK SC"],
            "svg.hashsalt": "academy",
            "axes.unicode_minus": False,
        }
    )


class Picture:
    """A figure to draw on, and its SVG (or PNG, for documents) after `drawing` has exited."""

    def __init__(self, figure: Figure) -> None:
        self.figure = figure
        self.svg = self.png = b""


@contextmanager
def drawing(size: tuple[float, float], *, as_png: bool = False) -> Iterator[Picture]:
    """A figure of `size` inches. matplotlib keeps global state, so a lock serialises drawing."""
    with _LOCK:
        _matplotlib()
        from matplotlib.figure import Figure

        picture = Picture(Figure(figsize=size))
        yield picture
        out = io.BytesIO()
        if as_png:
            picture.figure.savefig(out, format="png", dpi=200)
            picture.png = out.getvalue()
            return
        picture.figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    families = ", ".join(f"'{f}'" for f in FONTS).encode()
    picture.svg = out.getvalue().replace(b"'Noto Sans CJK SC'", families)
