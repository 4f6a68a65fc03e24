"""The knowledge base as a static site: built by MkDocs, cached offline on phones, or copied to a USB stick."""

from __future__ import annotations

import base64
import fcntl
import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import brotli

from exam_app.config import checkout
from exam_app.kb.history import unrecorded
from exam_app.kb.links import BuildError
from exam_app.kb.pages import DECISIONS, DOCS, source_folder, write_sources
from exam_app.kb.published import file_of, load_published
from exam_app.kb.readability import offenders
from question_bank.bank import ITEMS
from training_records.facts.loading import DATA, load_facts

_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>(.*?)</script>", re.S)
COMPRESSED = (".html", ".css", ".js", ".json", ".svg", ".ics")
WORKER = DOCS / "assets" / "sw.js"
# Lunr ships segmenters and stemmers for every language; the offline cache needs Chinese only.
_FOREIGN = re.compile(r"lunr/(wordcut|tinyseg)|lunr/min/lunr\.(?!zh\.|multi\.|stemmer)")
_MARKED = re.compile("\u200b?([、。，；：！？“”（）《》〔〕 ])\u200b?")
KEPT = (".html", ".css", ".js", ".json", ".docx", ".ics", ".woff2", ".png", ".svg")


def fingerprint(*extra: Path) -> str:
    """Returns a hash over everything that the site is built from, and the extra files."""
    digest = hashlib.sha256()
    code = Path(__file__).parent.glob("*.py")
    site = [source_folder() / "mkdocs.yml", *DOCS.rglob("*")]
    for path in [*site, *code, *DATA.glob("*.yaml"), *ITEMS.rglob("*.yaml"), *extra]:
        if path.is_file() and not path.is_relative_to(DECISIONS):
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def build_site(site: Path, *, strict: bool = False, force: bool = False) -> bool:
    """Builds the site into `site` unless it is current. Returns whether it was built. `strict` checks the facts too."""
    stamp = site / ".fingerprint"
    current = fingerprint(file_of(site))
    if not force and stamp.exists() and stamp.read_text() == current:
        return False
    if strict:
        check_facts()
    fresh = site.with_name(site.name + ".new")
    with _workspace() as folder:
        write_sources(folder / "build" / "docs", load_published(file_of(site)))
        _mkdocs(folder, fresh, strict=strict)
    (fresh / "csp.json").write_text(json.dumps(sorted(script_hashes(fresh))))
    _lighten_index(fresh / "search" / "search_index.json")
    write_worker(fresh, current[:12])
    compress(fresh)
    (fresh / ".fingerprint").write_text(current)
    shutil.rmtree(site, ignore_errors=True)
    fresh.rename(site)
    return True


def build_folder(folder: Path) -> None:
    """Builds the site as a folder that works from a USB stick without a server, including search."""
    with _workspace() as workspace:
        write_sources(workspace / "build" / "docs")
        _mkdocs(workspace, folder, strict=True, offline=True)


@contextmanager
def _workspace() -> Iterator[Path]:
    """Yields a folder with `mkdocs.yml` for the sources of one build. In a checkout that is its root, where Zensical
    and `mkdocs serve` expect them, under a file lock; otherwise a temporary folder."""
    root = checkout()
    if root is None:
        with tempfile.TemporaryDirectory() as temporary:
            shutil.copy(source_folder() / "mkdocs.yml", temporary)
            yield Path(temporary)
        return
    folder = root / "build"
    folder.mkdir(exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield root


def check_facts() -> None:
    """Raises `BuildError` if a fact changed without a change record, or a strict readability check fails."""
    changed = unrecorded(load_facts().data)
    if changed:
        raise BuildError(
            f"这些记录改了，还没有记进“改了什么”：{'、'.join(changed)}。"
            "请运行 academy kb record “改了什么”"
        )
    hard = [o for o in offenders() if o.strict]
    if hard:
        raise BuildError("步骤卡的句子太长：\n" + "\n".join(map(str, hard)))


def _mkdocs(folder: Path, target: Path, *, strict: bool, offline: bool = False) -> None:
    # MkDocs, with our own cutting of words.
    mkdocs = [sys.executable, "-m", "exam_app.kb.words"]
    command = [*mkdocs, "build", "-q", "-f", str(folder / "mkdocs.yml")]
    build = subprocess.run(  # noqa: S603
        [*command, "-d", str(target.resolve()), *(["--strict"] if strict else [])],
        cwd=folder,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "NO_MKDOCS_2_WARNING": "1",
            "OFFLINE": "true" if offline else "false",
        },
    )
    if build.returncode:
        raise BuildError(f"知识库没有建成：\n{build.stdout}{build.stderr}")


def write_worker(site: Path, version: str) -> None:
    """Writes the service worker with the list of files it caches, so that the site works offline after one visit."""
    names = sorted(
        path.relative_to(site).as_posix()
        for path in site.rglob("*")
        if path.suffix in KEPT
        and path.name not in ("csp.json", "sw.js", "404.html")
        and not _FOREIGN.search(path.as_posix())
    )
    urls = [re.sub(r"(^|/)index\.html$", r"\1", name) or "./" for name in names]
    text = WORKER.read_text("utf-8")
    text = text.replace('"VERSION"', json.dumps(version)).replace("[/* FILES */]", json.dumps(urls))
    (site / "sw.js").write_text(text, "utf-8")
    (site / "assets" / "sw.js").unlink(missing_ok=True)


def _lighten_index(path: Path) -> None:
    """Shrinks the search index. Drops the tags that section entries repeat from their page, and the word-boundary marks
    (zero-width spaces) beside punctuation, where words end anyway (`separator` in mkdocs.yml)."""
    index = json.loads(path.read_text("utf-8"))
    for entry in index["docs"]:
        if "#" in entry["location"]:
            entry.pop("tags", None)
        for name in ("title", "text"):
            entry[name] = _MARKED.sub(r"\1", entry[name])
    path.write_text(json.dumps(index, ensure_ascii=False, separators=(",", ":")), "utf-8")


def compress(site: Path) -> None:
    """Writes a ``.br`` and a ``.gz`` copy beside every text file, for slow networks."""
    for path in [p for p in site.rglob("*") if p.suffix in COMPRESSED]:
        data = path.read_bytes()
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(data, 9, mtime=0))
        path.with_name(path.name + ".br").write_bytes(brotli.compress(data))


def script_hashes(site: Path) -> set[str]:
    """Returns the CSP hashes of the theme's inline scripts, which avoid ``unsafe-inline``."""
    hashes = set()
    for page in site.rglob("*.html"):
        for match in _SCRIPT.finditer(page.read_text("utf-8")):
            digest = hashlib.sha256(match[1].encode()).digest()
            hashes.add(f"'sha256-{base64.b64encode(digest).decode()}'")
    return hashes
