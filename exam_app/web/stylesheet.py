"""The one stylesheet of the pages, joined from `static/css/`: a file a component, a cascade layer a folder."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "static" / "css"
# From weakest to strongest; each is `<layer>.css` or the files of the folder `<layer>/`.
LAYERS = ("reset", "tokens", "base", "components", "pages")


def stylesheet() -> bytes:
    """All layers in one minified file."""
    return _joined(max(path.stat().st_mtime for path in FOLDER.rglob("*")))


@lru_cache(1)
def _joined(changed: float) -> bytes:
    """`changed` keys the cache on the newest modification of a source."""
    parts = [f"@layer {','.join(LAYERS)};"]
    for layer in LAYERS:
        files = sorted((FOLDER / layer).glob("*.css")) or [FOLDER / f"{layer}.css"]
        rules = "".join(minified(path.read_text(encoding="utf-8")) for path in files)
        parts.append(f"@layer {layer}{{{rules}}}")
    return "".join(parts).encode()


def minified(css: str) -> str:
    """Without comments and the space that says nothing. Space around `+` stays: `calc` needs it."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    css = re.sub(r"\s+", " ", css)
    css = re.sub(r" ?([{};,>]) ?", r"\1", css)
    css = re.sub(r": ", ":", css)
    return css.replace(";}", "}").strip()


def colours() -> list[str]:
    """The names of the colours, in the order of the tokens."""
    light = (FOLDER / "tokens.css").read_text(encoding="utf-8").partition("}")[0]
    return re.findall(r"--([\w-]+): #", light)
