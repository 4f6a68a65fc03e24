"""Static scripts and styles, compressed once per process to keep pages small on slow mobile networks."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import brotli
from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.http import generate_etag
from werkzeug.security import safe_join

from exam_app.web.icons import sprite
from exam_app.web.stylesheet import stylesheet

MIMETYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
# Files that are put together from others: address below `/static/` → what makes the content.
MADE: dict[str, Callable[[], bytes]] = {"app.css": stylesheet, "icons.svg": sprite}


def content(folder: str, filename: str) -> bytes | None:
    """What stands at an address below the folder; None where nothing does."""
    if make := MADE.get(filename):
        return make()
    path = safe_join(folder, filename)
    try:
        return None if path is None else _read(path, Path(path).stat().st_mtime)
    except OSError:
        return None


@lru_cache(256)
def _read(path: str, changed: float) -> bytes:
    """`changed` keys the cache on the file's modification time."""
    return Path(path).read_bytes()


@lru_cache(256)
def _packed(data: bytes, encoding: str | None) -> tuple[bytes, str]:
    """(compressed content, ETag)."""
    if encoding == "br":
        data = brotli.compress(data, quality=9)
    elif encoding == "gzip":
        data = gzip.compress(data, 9)
    return data, generate_etag(data)


def serve_packed(app: Flask, endpoint: str, folder: str) -> None:
    """Makes `endpoint` serve scripts and styles compressed to browsers that accept the encoding."""
    plain: Callable[..., ResponseReturnValue] = app.ensure_sync(app.view_functions[endpoint])

    def view(filename: str) -> ResponseReturnValue:
        mimetype = MIMETYPES.get(Path(filename).suffix)
        data = content(folder, filename) if mimetype else None
        if data is None:
            return plain(filename=filename)
        encoding = request.accept_encodings.best_match(["br", "gzip"])
        data, etag = _packed(data, encoding)
        response = Response(data, mimetype=mimetype)
        if encoding:
            response.headers["Content-Encoding"] = encoding
        response.vary.add("Accept-Encoding")
        response.set_etag(etag)
        response.cache_control.public = True
        response.cache_control.max_age = 3600
        return response.make_conditional(request)

    app.view_functions[endpoint] = view
