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

PACKED = (".css", ".js", ".svg")


@lru_cache(256)
def _packed(path: str, changed: float, encoding: str) -> tuple[bytes, str]:
    """(compressed content, ETag); `changed` keys the cache on the file's modification time."""
    data = Path(path).read_bytes()
    compressed = brotli.compress(data, quality=9) if encoding == "br" else gzip.compress(data, 9)
    return compressed, generate_etag(compressed)


def serve_packed(app: Flask, endpoint: str, folder: str) -> None:
    """Makes `endpoint` serve compressed files to browsers that accept the encoding."""
    plain: Callable[..., ResponseReturnValue] = app.ensure_sync(app.view_functions[endpoint])

    def view(filename: str) -> ResponseReturnValue:
        encoding = request.accept_encodings.best_match(["br", "gzip"])
        path = safe_join(folder, filename)
        if encoding is None or path is None or not path.endswith(PACKED):
            return plain(filename=filename)
        try:
            changed = Path(path).stat().st_mtime
        except OSError:
            return plain(filename=filename)
        data, etag = _packed(path, changed, encoding)
        mimetypes = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
        response = Response(data, mimetype=mimetypes[path.rsplit(".", 1)[1]])
        response.headers["Content-Encoding"] = encoding
        response.vary.add("Accept-Encoding")
        response.set_etag(etag)
        response.cache_control.public = True
        response.cache_control.max_age = 3600
        return response.make_conditional(request)

    app.view_functions[endpoint] = view
