"""Activation code slips as PDF."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from exam_app.accounts.claims import Slip
from training_records.certificates.service import mask_phone
from training_records.typesetting import qr_svg, typeset

TEMPLATE = Path(__file__).parent / "slips.typ"


def slips_pdf(slips: Sequence[Slip], link: str) -> bytes:
    """Typesets eight slips per A4 page, to cut apart."""
    rows = [
        {"name": s.name, "place": s.place, "phone": mask_phone(s.phone), "code": s.code}
        for s in slips
    ]
    return typeset(TEMPLATE, {"link": link, "qr": qr_svg(link), "slips": rows})
