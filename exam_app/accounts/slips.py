"""Slips with activation codes as PDF."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typst

from exam_app.accounts.claims import Slip, phones_of
from training_records.certificates.pdf import font_folder, qr_svg

TEMPLATE = Path(__file__).parent / "slips.typ"


def slips_pdf(slips: Sequence[Slip], link: str) -> bytes:
    """Eight slips an A4 page, to cut apart."""
    rows = [
        {"name": s.name, "place": s.place, "phone": phone, "code": s.code}
        for s, phone in zip(slips, phones_of(slips), strict=True)
    ]
    data = {"link": link, "qr": qr_svg(link), "slips": rows}
    make: Any = typst.Compiler
    compiler = make(
        {
            "main.typ": TEMPLATE.read_bytes(),
            "slips.json": json.dumps(data, ensure_ascii=False).encode(),
        },
        font_paths=[font_folder()],
        ignore_system_fonts=True,
    )
    return bytes(compiler.compile(format="pdf"))
