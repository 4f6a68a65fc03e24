"""Public verification of a certificate."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.web.access import PUBLIC, access
from question_bank.clean import clean_certificate_number
from training_records.certificates.service import find

verify = Blueprint("verify", __name__)


@verify.get("/verify")
@access(PUBLIC)
def form() -> str | Response:
    no = clean_certificate_number(request.args.get("no", "")[:80])
    if no:
        return redirect(url_for("verify.certificate", no=no[:40]))
    return render_template("verify/certificate.html", no="", certificate=None)


@verify.get("/verify/<no>")
@access(PUBLIC)
def certificate(no: str) -> tuple[str, int]:
    match = find(web.db(), no)
    return render_template(
        "verify/certificate.html", no=no[:40], certificate=match
    ), 200 if match else 404
