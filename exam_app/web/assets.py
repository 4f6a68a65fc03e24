"""Static scripts and styles under names that carry a hash of their content.

A page names the files it was written for, and a release can't change what a name stands for: browsers
keep such files for good, and an old page never runs new scripts. A module's imports and a style
sheet's references are rewritten to hashed names too, so a file's hash covers all that it loads.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

import brotli
from flask import Flask, Response, abort, request, url_for
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from exam_app.web.icons import sprite
from exam_app.web.stylesheet import stylesheet

TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
# Files that are put together from others: plain name → what makes the content.
MADE: Mapping[str, Callable[[], bytes]] = {"app.css": stylesheet, "icons.svg": sprite}
# What only goes into a made file is not served.
PARTS = "css/"
# Served at an address of its own, because its address is its scope.
WORKER = "sw.js"
FOR_GOOD = "public, max-age=31536000, immutable"
_IMPORT = re.compile(r"""(?P<before>\b(?:from|import)\s*\(?\s*["'])(?P<name>\.{1,2}/[^"']+)""")
_REFERENCE = re.compile(
    r"""(?P<before>url\(\s*["']?|@import\s+["'])(?P<name>[^"')#:?]+)(?=["')#?])"""
)
_HASHED = re.compile(r"(?P<stem>.+)\.(?P<hash>[0-9a-f]{10})(?P<end>\.[a-z0-9]+)")


@dataclass(frozen=True)
class Asset:
    """A file as it is served: its hashed name, its content, and the names of the modules it imports."""

    name: str
    content: bytes
    imports: tuple[str, ...] = ()
    packed: dict[str, bytes] = field(default_factory=dict, compare=False)

    def encoded(self, encoding: Literal["br", "gzip"]) -> bytes:
        """The compressed content; compressed once a process."""
        if encoding not in self.packed:
            self.packed[encoding] = (
                brotli.compress(self.content, quality=11)
                if encoding == "br"
                else gzip.compress(self.content, 9)
            )
        return self.packed[encoding]


class Assets:
    """All files of the static folder and those that are made, by plain name. Imports must not form a ring."""

    def __init__(self, folder: Path, made: Mapping[str, Callable[[], bytes]] | None = None) -> None:
        self._folder = folder
        self._made = made or {}
        self._files: dict[str, Asset] = {}
        found = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
        kept = [n for n in found if not n.startswith(PARTS) and "/." not in f"/{n}"]
        for plain in sorted({*kept, *self._made}):
            self._load(plain, ())
        names = "\n".join(a.name for a in self._files.values())
        self.version = hashlib.sha256(names.encode()).hexdigest()[:10]

    def __getitem__(self, name: str) -> Asset:
        return self._files[name]

    def name(self, plain: str) -> str:
        """The hashed name of a file; unknown names stay as they are."""
        found = self._files.get(plain)
        return found.name if found else plain

    def modules(self, plain: str) -> list[str]:
        """The plain names of all modules that a module imports, itself last."""
        found: dict[str, None] = {}
        for name in self._files[plain].imports:
            found |= dict.fromkeys(self.modules(name))
        found.pop(plain, None)
        return [*found, plain]

    def served(self, requested: str) -> Asset | None:
        """The file of a hashed name; None for a plain name, an unknown file and another release's hash."""
        match = _HASHED.fullmatch(requested)
        found = self._files.get(match["stem"] + match["end"]) if match else None
        return found if found is not None and found.name == requested else None

    def is_plain(self, requested: str) -> bool:
        """Whether a file has this name."""
        return requested in self._files

    def worker(self) -> bytes:
        """The service worker, which carries the version of all assets."""
        return self._files[WORKER].content.replace(b"VERSION", self.version.encode())

    def _load(self, plain: str, above: tuple[str, ...]) -> Asset:
        if plain in self._files:
            return self._files[plain]
        if plain in above:
            raise ValueError(f"imports form a ring: {' -> '.join((*above, plain))}")
        make = self._made.get(plain)
        content = make() if make else (self._folder / plain).read_bytes()
        pattern = {".js": _IMPORT, ".css": _REFERENCE}.get(posixpath.splitext(plain)[1])
        imports: list[str] = []
        if plain.endswith(".js"):
            content = slim(content.decode()).encode()
        if pattern is not None:

            def rewritten(match: re.Match[str]) -> str:
                target = posixpath.normpath(posixpath.join(posixpath.dirname(plain), match["name"]))
                if target not in self._made and not (self._folder / target).is_file():
                    return match[0]
                imports.append(target)
                hashed = self._load(target, (*above, plain)).name
                relative = posixpath.relpath(hashed, posixpath.dirname(plain) or ".")
                return match["before"] + (relative if relative[0] == "." else f"./{relative}")

            content = pattern.sub(rewritten, content.decode()).encode()
        stem, end = posixpath.splitext(plain)
        asset = Asset(
            f"{stem}.{hashlib.sha256(content).hexdigest()[:10]}{end}",
            content,
            tuple(dict.fromkeys(imports)) if end == ".js" else (),
        )
        self._files[plain] = asset
        return asset


def slim(script: str) -> str:
    """A script without its JSDoc, lines of comment and indents: about a third less to load on a slow line.

    Line ends stay. It relies on our own style: no template string spans lines, and no string holds `/**`.
    """
    script = re.sub(r"/\*\*.*?\*/ ?", "", script, flags=re.S)
    lines = (line.strip() for line in script.splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("//"))


@lru_cache(4)
def assets_in(folder: str) -> Assets:
    """The assets of a folder, read once a process."""
    return Assets(Path(folder), MADE)


class _PageSessions(SecureCookieSessionInterface):
    """Leaves the session's cookie alone where a file is served: it would be sent again with every script."""

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if request.endpoint != "static":
            super().save_session(app, session, response)


def init_assets(app: Flask) -> None:
    """Serves the static folder under hashed names and makes `url_for("static", …)` give them.

    Templates get `modules(NAME)`: the tags that load a module and, at the same time, all it imports.
    """
    assets = assets_in(str(app.static_folder))
    app.session_interface = _PageSessions()

    @app.url_defaults
    def _hashed(endpoint: str, values: dict[str, object]) -> None:
        if endpoint == "static" and isinstance(values.get("filename"), str):
            values["filename"] = assets.name(str(values["filename"]))

    def static(filename: str) -> ResponseReturnValue:
        asset = assets.served(filename)
        if asset is not None:
            return _answer(asset)
        if assets.is_plain(filename):
            response = _answer(assets[filename])
            response.headers["Cache-Control"] = "no-cache"
            return response
        abort(404)

    app.view_functions["static"] = static

    @app.template_global("modules")
    def _modules(name: str) -> Markup:
        *below, own = [url_for("static", filename=n) for n in assets.modules(name)]
        tags = [Markup('<link rel="modulepreload" href="{}">').format(n) for n in below]
        return Markup("").join(
            [*tags, Markup('<script type="module" src="{}"></script>').format(own)]
        )


def worker_script(app: Flask) -> Response:
    """The service worker; asked for again at each visit, so that a release reaches a phone at once."""
    response = Response(assets_in(str(app.static_folder)).worker(), mimetype="text/javascript")
    response.headers["Cache-Control"] = "no-cache"
    return response


def _answer(asset: Asset) -> Response:
    kind = TYPES.get(posixpath.splitext(asset.name)[1])
    if kind is None:
        response = Response(asset.content)
        response.headers["Content-Type"] = (
            mimetypes.guess_type(asset.name)[0] or "application/octet-stream"
        )
    else:
        accepted = request.accept_encodings.best_match(["br", "gzip"])
        response = Response(mimetype=kind)
        if accepted == "br" or accepted == "gzip":
            response.set_data(asset.encoded("br" if accepted == "br" else "gzip"))
            response.headers["Content-Encoding"] = accepted
        else:
            response.set_data(asset.content)
        response.vary.add("Accept-Encoding")
    response.headers["Cache-Control"] = FOR_GOOD
    return response
