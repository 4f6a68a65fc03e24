"""Renders the pages of the knowledge base from templates and facts to Markdown.

Every ``.md`` file of `docs/` is a template over the facts; a ``.md.page`` file is the template of several pages.
`〔青21#10〕` becomes a link to the clause. The result is plain Markdown that both MkDocs and Zensical build.
"""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from datetime import date
from functools import cache
from pathlib import Path

import jinja2
import markdown
import nh3

from exam_app.config import checkout
from exam_app.kb.links import (
    BuildError,
    anchor_of,
    anchors_of,
    cited_in,
    link_back,
    link_sources,
    link_terms,
)
from exam_app.kb.published import NOTHING, Published, as_markdown
from question_bank import load_bank, point_counts
from training_records.facts.loading import FactData, load_facts
from training_records.facts.schema import ROLES

EXTENSIONS = ["attr_list", "tables", "admonition", "sane_lists", "md_in_html"]
RHYTHMS = {
    "daily": "每天",
    "weekly": "每周",
    "monthly": "每月",
    "quarterly": "每季",
    "yearly": "每年",
}


def source_folder() -> Path:
    """The folder of `docs/` and `mkdocs.yml`: the root of a checkout, or the copy that the wheel packages."""
    return checkout() or Path(__file__).parent / "source"


DOCS = source_folder() / "docs"
# Decision records are for developers and excluded from the knowledge base.
DECISIONS = DOCS / "decisions"


def write_sources(target: Path, published: Published = NOTHING) -> list[str]:
    """Renders all pages and downloads into `target`. Returns the page names without ``.md``."""
    shutil.rmtree(target, ignore_errors=True)
    # Loaded where it is needed: a worker of the server shows pages and writes none.
    from exam_app.kb.files import write_calendar, write_forms

    pages = render_pages(published)
    for name, text in pages.items():
        path = target / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    for asset in DOCS.glob("assets/**/*"):
        if asset.is_file():
            copy = target / asset.relative_to(DOCS)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(asset, copy)
    data = load_facts().on(date.today())
    write_forms(data["forms"], target / "forms")
    write_calendar(data["calendar"], target / "calendar.ics")
    _write_words(data, target.parent / "jieba.txt")
    return list(pages)


def _write_words(data: FactData, path: Path) -> None:
    """Writes the jieba dictionary of words that the search must not split: glossary terms and short colloquial ones."""
    words = (DOCS / "jieba.txt").read_text("utf-8").splitlines()
    terms = [t["term"].strip("“”") for t in data["glossary"]]
    spoken = [word for group in data["search"].values() for word in group if len(word) <= 4]
    existing = {line.split()[0] for line in words if line}
    words += [f"{w} 1000000 n" for w in dict.fromkeys(terms + spoken) if w not in existing]
    path.write_text("\n".join(words) + "\n", "utf-8")


@cache
def render_pages(published: Published = NOTHING) -> dict[str, str]:
    """Returns page name → finished Markdown, cached for the lifetime of the process. Raises `BuildError`."""
    data = load_facts().data
    pages = link_back(raw_pages(published))
    finished = {}
    for name, text in pages.items():
        text = _with_footer(name, text)
        text = link_sources(link_terms(text, name, data["glossary"]), name)
        finished[name] = _with_spoken_words(name, text, data["search"])
    missing = set(data["search"]) - anchors_in(finished)
    if missing:
        raise BuildError(f"search.yaml：没有这些小节：{'、'.join(sorted(missing))}")
    return finished


def raw_pages(published: Published = NOTHING) -> dict[str, str]:
    """Returns page name → Markdown as rendered, before sources are linked."""
    data = load_facts().on(date.today())
    environment = jinja2.Environment(  # nosec B701
        loader=jinja2.FileSystemLoader(DOCS),
        undefined=jinja2.StrictUndefined,
        comment_start_string="<!--#",
        comment_end_string="#-->",
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 (Markdown from our own files)
    )
    context: FactData = {
        **data,
        "used": lambda clause: f"⟦used:{clause}⟧",
        "asked": asked,
        "anchor_of": anchor_of,
        "rhythms": RHYTHMS,
        "roles": ROLES,
        "published": published,
        "md": as_markdown,
        "by_id": lambda name: {entry["id"]: entry for entry in data[name]},
    }
    pages: dict[str, str] = {}
    for path in sorted(DOCS.rglob("*.md")):
        if path.is_relative_to(DECISIONS):
            continue
        name = path.relative_to(DOCS).with_suffix("").as_posix()
        pages[name] = _render(environment, f"{name}.md", context)
    for name, template, extra in _families(data):
        pages[name] = _render(environment, template, {**context, **extra})
    return pages


def _families(data: FactData) -> list[tuple[str, str, FactData]]:
    """Returns (page, template, extra context) of the pages that share a template."""
    tasks = data["policy"]["tasks"]
    pages = []
    for action in data["policy"]["actions"]:
        extra = {"action": action, "tasks": [t for t in tasks if t["action"] == action["id"]]}
        pages.append((f"policy/action-{action['id']}", "policy/action.md.page", extra))
    for card in data["cards"]:
        pages.append((f"cards/{card['id']}", "cards/card.md.page", {"card": card}))
    for story in data["cases"]:
        pages.append((f"cases/case-{story['id']}", "cases/case.md.page", {"story": story}))
    for name, rhythm in RHYTHMS.items():
        extra = {"name": name, "rhythm": rhythm}
        pages.append((f"checklists/{name}", "checklists/list.md.page", extra))
    return pages


def _render(environment: jinja2.Environment, template: str, context: FactData) -> str:
    try:
        return environment.get_template(template).render(context)
    except jinja2.TemplateError as error:
        raise BuildError(f"docs/{template}：{error}") from error


@cache
def question_counts() -> tuple[Counter[str], Counter[str]]:
    """Counts items by the point they cover (clause, duty step, service-list line), and reviewed items by page."""
    bank = load_bank(strict=False)
    by_page = Counter(question.kb.partition("#")[0] for question in bank.reviewed())
    return Counter(point_counts(bank, ())), by_page


def asked(point: str) -> str:
    """Returns a link to practise the items covering a clause, duty step or line; empty if there are none."""
    count = question_counts()[0][point]
    if not count:
        return ""
    return f"[练 {count} 题](/practice?point={point.replace('#', '%23')}){{ .online }}"


def _with_footer(name: str, text: str) -> str:
    """Appends sources, date of review, data owner and a practice link."""
    care = load_facts().data["pages"]
    review = care.get(name, care["default"])
    sources = cited_in(text)
    cited = "、".join(f"〔{s}〕" for s in sources[:6]) + ("等" if len(sources) > 6 else "")
    lines = [f"出处：{cited}" if cited else "出处：本学堂的使用说明"]
    lines.append(f"核对日期：{review['checked']:%Y年%-m月%-d日}")
    lines.append(f"负责：{review['responsible']}")
    count = question_counts()[1][name]
    practice = f"[用这一页练几道题（共 {count} 题）](/practice?page={name}){{ .practise .online data-search-exclude=1 }}\n\n"
    return (
        text.rstrip("\n")
        + f"\n\n{practice if count else ''}{'；'.join(lines)}。\n{{ .care data-search-exclude=1 }}\n"
    )


def _with_spoken_words(name: str, text: str, words: dict[str, list[str]]) -> str:
    """Adds colloquial search words: hidden in their section, and as tags of the page, which the search doesn't split
    and ranks first."""
    tags = [w for target, group in words.items() if target.partition("#")[0] == name for w in group]
    if tags and text.startswith("---\n"):
        text = f"---\ntags: [{', '.join(tags)}]\n" + text.removeprefix("---\n")
    for target, spoken in words.items():
        page, _, anchor = target.partition("#")
        if page != name:
            continue
        heading = re.search(rf"^## .*\{{ #{re.escape(anchor)} \}}[ \t]*$", text, re.M)
        if heading:
            hidden = f'\n\n<p class="spoken" hidden>{"、".join(spoken)}</p>\n'
            text = text[: heading.end()] + hidden + text[heading.end() :]
        elif anchor:
            raise BuildError(f"search.yaml：{target} 要指到一个二级标题")
    return text


def anchors_in(pages: dict[str, str]) -> set[str]:
    """Returns all ``page`` and ``page#anchor`` names of rendered pages."""
    return set().union(*(anchors_of(name, text) for name, text in pages.items()))


@cache
def anchors() -> set[str]:
    """Returns all ``page`` and ``page#anchor`` names that an item may refer to."""
    return anchors_in(raw_pages())


def page_html(name: str) -> str:
    """Returns a page as sanitised HTML for reading inside the app, with links into ``/kb/``. Raises `KeyError`."""
    text = render_pages().get(name)
    if text is None:
        raise KeyError(name)
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.S)
    text = re.sub(r'<p class="spoken" hidden>.*?</p>', "", text)
    html = markdown.markdown(text, extensions=EXTENSIONS)
    html = re.sub(
        r'href="([^":#]+)\.md(#[^"]*)?"',
        lambda m: (
            f'href="{kb_url(os.path.normpath(os.path.join(os.path.dirname(name), m[1])) + (m[2] or ""))}"'
        ),
        html,
    )
    return _clean(html)


def written_html(text: str) -> str:
    """Converts a trainer's Markdown to sanitised HTML."""
    return _clean(markdown.markdown(text, extensions=["tables", "sane_lists", "nl2br"]))


def _clean(html: str) -> str:
    attributes = {tag: set(values) for tag, values in nh3.ALLOWED_ATTRIBUTES.items()}
    for tag in ("h1", "h2", "h3", "p", "div", "a", "table", "ol", "li", "span"):
        attributes.setdefault(tag, set()).update({"id", "class", "title"})
    clean = nh3.clean(html, tags=nh3.ALLOWED_TAGS, attributes=attributes)
    return clean.replace(
        "<table>", '<div class="table-wrap" tabindex="0" role="region" aria-label="表格"><table>'
    ).replace("</table>", "</table></div>")


def kb_url(link: str) -> str:
    """Returns the site path of ``services/visits#monthly``."""
    page, _, anchor = link.partition("#")
    page = "" if page == "index" else page.removesuffix("/index") + "/"
    return f"/kb/{page}" + (f"#{anchor}" if anchor else "")


__all__ = [
    "BuildError",
    "anchors",
    "kb_url",
    "link_sources",
    "page_html",
    "render_pages",
    "write_sources",
]
