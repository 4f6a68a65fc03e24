"""The knowledge base's build: templates and facts become Markdown, Markdown becomes the site.

Every file of `docs/` is a template over the facts of `docs/data`; `〔青21#10〕` becomes a link to
the clause. The result under `build/docs` is plain Markdown that MkDocs and Zensical both build.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import markdown
import nh3

from exam_app.config import ROOT
from exam_app.kb.facts import load_facts

DOCS = ROOT / "docs"
BUILD = ROOT / "build" / "docs"
_SOURCE = re.compile(r"〔([^〔〕\n]+#[^〔〕\n]+)〕")
_ANCHOR = re.compile(r"\{[^}\n]*#([^\s}]+)[^}\n]*\}\s*$|<a id=\"([^\"]+)\"></a>", re.M)
_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>(.*?)</script>", re.S)


class BuildError(Exception):
    """The knowledge base could not be built; the message says where and why."""


def write_sources(target: Path = BUILD) -> list[str]:
    """Renders all pages into `target`; returns their names (without ``.md``)."""
    shutil.rmtree(target, ignore_errors=True)
    pages = render_pages()
    for name, text in pages.items():
        path = target / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    for asset in DOCS.glob("assets/**/*"):
        if asset.is_file():
            copy = target / asset.relative_to(DOCS)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(asset, copy)
    return list(pages)


def render_pages() -> dict[str, str]:
    """Page name to Markdown, sources linked. Raises `BuildError` with the page's name."""
    facts = load_facts()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(DOCS),
        undefined=jinja2.StrictUndefined,
        comment_start_string="<!--#",
        comment_end_string="#-->",
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 (Markdown from our own files)
    )
    context: dict[str, Any] = {**facts.data}
    pages: dict[str, str] = {}
    for path in sorted(DOCS.rglob("*.md")):
        name = path.relative_to(DOCS).with_suffix("").as_posix()
        pages[name] = _render(environment, f"{name}.md", context)
    for action in facts.data["policy"]["actions"]:
        tasks = [t for t in facts.data["policy"]["tasks"] if t["action"] == action["id"]]
        own = {**context, "action": action, "tasks": tasks}
        pages[f"policy/action-{action['id']}"] = _render(environment, "policy/action.md.page", own)
    return {name: link_sources(text, name) for name, text in pages.items()}


def _render(environment: jinja2.Environment, template: str, context: dict[str, Any]) -> str:
    try:
        return environment.get_template(template).render(context)
    except jinja2.TemplateError as error:
        raise BuildError(f"docs/{template}:{error}") from error


def link_sources(text: str, page: str) -> str:
    """〔青21#10、未保法#11〕 becomes links; an unknown source is a `BuildError`."""
    clauses = load_facts().clauses

    def replace(match: re.Match[str]) -> str:
        links = []
        for clause in match[1].split("、"):
            if clause not in clauses:
                raise BuildError(f"docs/{page}:没有“{clause}”这个出处,请查 docs/data")
            target, _, anchor = clauses[clause].partition("#")
            relative = os.path.relpath(f"{target}.md", os.path.dirname(page) or ".")
            links.append(f"[{clause}]({relative}#{anchor}){{ .source }}")
        return "〔" + "、".join(links) + "〕"

    return _SOURCE.sub(replace, text)


def anchors() -> set[str]:
    """All ``page`` and ``page#anchor`` names that a question may point to."""
    found: set[str] = set()
    for name, text in render_pages().items():
        found.add(name)
        for match in _ANCHOR.finditer(text):
            found.add(f"{name}#{match[1] or match[2]}")
    return found


def page_html(name: str) -> str:
    """One page as sanitised HTML for the app's own reading view; links lead into ``/kb/``."""
    text = render_pages_cached().get(name)
    if text is None:
        raise KeyError(name)
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.S)
    html = markdown.markdown(text, extensions=["attr_list", "tables", "admonition", "sane_lists"])
    html = re.sub(
        r'href="([^":#]+)\.md(#[^"]*)?"',
        lambda m: (
            f'href="{kb_url(os.path.normpath(os.path.join(os.path.dirname(name), m[1])) + (m[2] or ""))}"'
        ),
        html,
    )
    attributes = {tag: set(values) for tag, values in nh3.ALLOWED_ATTRIBUTES.items()}
    for tag in ("h1", "h2", "h3", "p", "div", "a", "table"):
        attributes.setdefault(tag, set()).update({"id", "class"})
    clean = nh3.clean(html, tags=nh3.ALLOWED_TAGS, attributes=attributes)
    return clean.replace(
        "<table>", '<div class="table-wrap" tabindex="0" role="region" aria-label="表格"><table>'
    ).replace("</table>", "</table></div>")


@cache
def render_pages_cached() -> dict[str, str]:
    """The pages as they were when the process first asked."""
    return render_pages()


def kb_url(link: str) -> str:
    """``services/visits#monthly`` as a path of the site."""
    page, _, anchor = link.partition("#")
    page = "" if page == "index" else page.removesuffix("/index") + "/"
    return f"/kb/{page}" + (f"#{anchor}" if anchor else "")


def fingerprint() -> str:
    """Changes when anything that the site is made from changes."""
    digest = hashlib.sha256()
    for path in [ROOT / "mkdocs.yml", Path(__file__), *sorted(DOCS.rglob("*"))]:
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


def build_site(site: Path, *, strict: bool = False, force: bool = False) -> bool:
    """Builds the site into `site` unless it is current; True when it was built."""
    stamp = site / ".fingerprint"
    current = fingerprint()
    if not force and stamp.exists() and stamp.read_text() == current:
        return False
    write_sources()
    fresh = site.with_name(site.name + ".new")
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "-q",
        "-f",
        str(ROOT / "mkdocs.yml"),
        "-d",
        str(fresh),
    ]
    done = subprocess.run(  # noqa: S603
        command + (["--strict"] if strict else []),
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )
    if done.returncode:
        raise BuildError(f"知识库没有建成:\n{done.stdout}{done.stderr}")
    (fresh / "csp.json").write_text(json.dumps(sorted(script_hashes(fresh))))
    (fresh / ".fingerprint").write_text(current)
    shutil.rmtree(site, ignore_errors=True)
    fresh.rename(site)
    return True


def script_hashes(site: Path) -> set[str]:
    """CSP hashes of the theme's inline scripts, so that no ``unsafe-inline`` is needed."""
    hashes = set()
    for page in site.rglob("*.html"):
        for match in _SCRIPT.finditer(page.read_text("utf-8")):
            digest = hashlib.sha256(match[1].encode()).digest()
            hashes.add(f"'sha256-{base64.b64encode(digest).decode()}'")
    return hashes
