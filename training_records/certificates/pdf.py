"""Certificates as PDF: Typst typesets them, with the CJK font of a dependency and zxing's QR."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import typst
import zxingcpp

from training_records.certificates.models import Certificate, CertificateTemplate

TEMPLATE = Path(__file__).parent / "certificate.typ"
# What the certificate of a passed exam says.
HEADING, NAME = "儿童主任培训", "合格证书"
BODY = "{holder}同志({place}),参加“{title}”,考核合格,特发此证。"


class Row(NamedTuple):
    """One certificate to set: with its template (none: that of an exam), the holder's place, the address of its
    check page."""

    certificate: Certificate
    template: CertificateTemplate | None
    place: str
    link: str


@lru_cache
def font_folder() -> str:
    """The fonts that come with the mplfonts package (found without importing matplotlib)."""
    spec = find_spec("mplfonts")
    if spec is None or not spec.origin:
        raise RuntimeError("mplfonts is not installed")
    return str(Path(spec.origin).parent / "fonts")


def qr_svg(text: str) -> str:
    """A QR code (error correction M) as SVG."""
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    svg: str = zxingcpp.write_barcode_to_svg(code, add_quiet_zones=False)
    return svg


def chinese_date(day: date) -> str:
    """2026年11月24日"""
    return f"{day.year}年{day.month}月{day.day}日"


def certificates_pdf(rows: Sequence[Row]) -> bytes:
    """A4 pages, landscape, one a certificate, set in one run."""
    make: Any = typst.Compiler
    data = json.dumps([_told(row) for row in rows], ensure_ascii=False)
    compiler = make(
        {"main.typ": TEMPLATE.read_bytes(), "certificates.json": data.encode()},
        font_paths=[font_folder()],
        ignore_system_fonts=True,
    )
    return bytes(compiler.compile(format="pdf"))


def _told(row: Row) -> dict[str, str]:
    one, template = row.certificate, row.template
    body = template.body if template else BODY
    filled = body.replace("{place}", row.place).replace("{title}", one.title)
    before, _, after = filled.partition("{holder}")
    return {
        "heading": template.heading if template else HEADING,
        "name": template.name if template else NAME,
        "before": before,
        "holder": one.holder,
        "after": after.replace("{holder}", one.holder),
        "title": one.title,
        "organiser": one.organiser,
        "date": chinese_date(one.issued_on),
        "until": chinese_date(one.valid_until) if one.valid_until else "",
        "no": one.no,
        "qr": qr_svg(row.link),
        "voided": "yes" if one.voided_at else "",
    }
