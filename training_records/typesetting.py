"""Typesetting to PDF: Typst templates filled with data, in the CJK font of a dependency, and QR codes."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import cast

import typst
import zxingcpp

_SIZE = re.compile(r'<svg width="(\d+)" height="(\d+)"')


@lru_cache
def font_folder() -> str:
    """Returns the font folder of the mplfonts package, located without importing matplotlib."""
    spec = find_spec("mplfonts")
    if spec is None or not spec.origin:
        raise RuntimeError("mplfonts is not installed")
    return str(Path(spec.origin).parent / "fonts")


def qr_svg(text: str) -> str:
    """Returns a QR code (error correction M) as SVG."""
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    svg: str = zxingcpp.write_barcode_to_svg(code, add_quiet_zones=False)
    # With a view box, the SVG scales to the size it is given.
    return _SIZE.sub(
        r'<svg viewBox="0 0 \1 \2" width="\1" height="\2"', svg[svg.index("<svg") :], count=1
    )


@lru_cache
def _template(path: Path) -> bytes:
    return path.read_bytes()


def typeset(template: Path, data: object) -> bytes:
    """Renders a template to PDF; the template reads `data` from ``data.json``."""
    payload = json.dumps(data, ensure_ascii=False).encode()
    # The type stub lacks the dictionary of files as input.
    compiler = typst.Compiler(  # type: ignore[misc]
        {"main.typ": _template(template), "data.json": payload},
        font_paths=[font_folder()],
        ignore_system_fonts=True,
    )
    return cast(bytes, compiler.compile(format="pdf"))
