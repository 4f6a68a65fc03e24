"""Certificates as PDF."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from training_records.certificates.models import Certificate, CertificateTemplate
from training_records.text import chinese_date
from training_records.typesetting import qr_svg, typeset

TEMPLATE = Path(__file__).parent / "certificate.typ"
# Wording of the certificate of a passed exam.
HEADING, NAME = "儿童主任培训", "合格证书"
BODY = "{holder}同志（{place}），参加“{title}”，考核合格，特发此证。"


class CertificateFields(NamedTuple):
    """Input for one certificate: its template (None: that of an exam), the holder's division by name, the URL of its
    verification page."""

    certificate: Certificate
    template: CertificateTemplate | None
    place: str
    link: str


def certificates_pdf(rows: Sequence[CertificateFields]) -> bytes:
    """Renders A4 pages, landscape, one per certificate, in one run."""
    return typeset(TEMPLATE, [_template_data(row) for row in rows])


def _template_data(row: CertificateFields) -> dict[str, str]:
    certificate, template = row.certificate, row.template
    body = template.body if template else BODY
    filled = body.replace("{place}", row.place).replace("{title}", certificate.title)
    before, _, after = filled.partition("{holder}")
    return {
        "heading": template.heading if template else HEADING,
        "name": template.name if template else NAME,
        "before": before,
        "holder": certificate.holder,
        "after": after.replace("{holder}", certificate.holder),
        "title": certificate.title,
        "organiser": certificate.organiser,
        "date": chinese_date(certificate.issued_on),
        "until": chinese_date(certificate.valid_until) if certificate.valid_until else "",
        "no": certificate.no,
        "qr": qr_svg(row.link),
        "voided": "yes" if certificate.voided_at else "",
    }
