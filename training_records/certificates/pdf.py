"""Certificates as PDF."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from training_records.certificates.models import Certificate, CertificateTemplate
from training_records.text import chinese_date
from training_records.typesetting import qr_svg, typeset

TEMPLATE = Path(__file__).parent / "certificate.typ"
# What the certificate of a passed exam says.
HEADING, NAME = "儿童主任培训", "合格证书"
BODY = "{holder}同志({place}),参加“{title}”,考核合格,特发此证。"


class CertificateFields(NamedTuple):
    """One certificate to set: with its template (none: that of an exam), the holder's place, the address of its
    check page."""

    certificate: Certificate
    template: CertificateTemplate | None
    place: str
    link: str


def certificates_pdf(rows: Sequence[CertificateFields]) -> bytes:
    """A4 pages, landscape, one a certificate, set in one run."""
    return typeset(TEMPLATE, [_told(row) for row in rows])


def _told(row: CertificateFields) -> dict[str, str]:
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
