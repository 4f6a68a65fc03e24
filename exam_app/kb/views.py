"""Serves the built knowledge base at ``/kb/``, without sign-in."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from flask import Blueprint, Response, abort, redirect, request, send_from_directory
from werkzeug.security import safe_join
from werkzeug.wrappers import Response as BaseResponse

from exam_app import web
from exam_app.web.access import PUBLIC, access

kb = Blueprint("kb", __name__)
HIDDEN = ("csp.json", ".fingerprint")


@kb.get("/kb/", defaults={"path": ""})
@kb.get("/kb/<path:path>")
@access(PUBLIC)
def page(path: str) -> BaseResponse:
    site = web.config().instance / "kb"
    if path in HIDDEN:
        abort(404)
    full = safe_join(str(site), path) if path else str(site)
    if full is None:
        abort(404)
    folder = site / path
    if folder.is_dir():
        if path and not path.endswith("/"):
            return redirect(f"/kb/{path}/")
        path = f"{path}index.html"
    response = _send(site, path)
    if path.endswith(".html"):
        response.headers["Content-Security-Policy"] = web.site_policy(site)
    elif "/assets/" in f"/{path}" and request.method == "GET":
        response.cache_control.max_age = 86400
    return response


def _send(site: Path, path: str) -> Response:
    """Serves the file, precompressed if the build made a copy in an encoding that the browser accepts."""
    kind = mimetypes.guess_type(path)[0]
    for encoding, suffix in (("br", ".br"), ("gzip", ".gz")):
        if request.accept_encodings.quality(encoding) and (site / (path + suffix)).is_file():
            response: Response = send_from_directory(
                site, path + suffix, mimetype=kind, conditional=True, max_age=300
            )
            response.headers["Content-Encoding"] = encoding
            response.vary.add("Accept-Encoding")
            return response
    return send_from_directory(site, path, conditional=True, max_age=300)
