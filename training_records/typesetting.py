"""Typesetting to PDF: Typst templates filled with data, in the CJK font of a dependency, and QR codes."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import zxingcpp
from pylopdf_fonts_zh_cn import sans_path

_SIZE = re.compile(r'<svg width="(\d+)" height="(\d+)"')


_PICTURE = b'#set page(width: auto, height: auto, margin: 0pt)\n#image("picture.svg")'
# Noto Sans SC and Noto Serif SC, under the SIL Open Font License.
FONTS = sans_path().parent


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
    return _compiled({"main.typ": _template(template), "data.json": payload}, format="pdf")


def svg_to_png(svg: str, ppi: int = 200) -> bytes:
    """Renders an SVG of a size in points to PNG, with the same fonts."""
    return _compiled({"main.typ": _PICTURE, "picture.svg": svg.encode()}, format="png", ppi=ppi)


def _compiled(files: dict[str, bytes], **options: Any) -> bytes:
    # Loaded where it is needed: most processes never typeset, and it takes much memory.
    import typst

    # The type stub lacks the dictionary of files as input.
    compiler = typst.Compiler(  # type: ignore[misc]
        files, font_paths=[str(FONTS)], ignore_system_fonts=True
    )
    return cast(bytes, compiler.compile(**options))
