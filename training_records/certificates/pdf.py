"""A certificate as PDF: Typst typesets it, with the CJK font of a dependency and segno's QR."""

from __future__ import annotations

import io
from datetime import date
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import segno
import typst

from training_records.certificates.models import Certificate

TEMPLATE = Path(__file__).parent / "certificate.typ"


@lru_cache
def font_folder() -> str:
    """The fonts that come with the mplfonts package (found without importing matplotlib)."""
    spec = find_spec("mplfonts")
    if spec is None or not spec.origin:
        raise RuntimeError("mplfonts is not installed")
    return str(Path(spec.origin).parent / "fonts")


def qr_svg(text: str) -> bytes:
    """A QR code (error correction M) as SVG."""
    out = io.BytesIO()
    segno.make(text, error="m").save(out, kind="svg", border=0, scale=4)
    return out.getvalue()


def chinese_date(day: date) -> str:
    """2026年11月24日"""
    return f"{day.year}年{day.month}月{day.day}日"


def certificate_pdf(certificate: Certificate, place: str, verify_url: str) -> bytes:
    """One A4 page, landscape."""
    make: Any = typst.Compiler
    compiler = make(
        {"main.typ": TEMPLATE.read_bytes(), "qr.svg": qr_svg(verify_url)},
        font_paths=[font_folder()],
        ignore_system_fonts=True,
        sys_inputs={
            "holder": certificate.holder,
            "place": place,
            "title": certificate.title,
            "organiser": certificate.organiser,
            "date": chinese_date(certificate.issued_on),
            "no": certificate.no,
            "voided": "yes" if certificate.voided_at else "",
        },
    )
    return bytes(compiler.compile(format="pdf"))
