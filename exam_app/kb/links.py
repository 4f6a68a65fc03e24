"""Links of the knowledge base: citations to clauses, clauses back to citing pages, terms to the glossary."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from training_records.facts.loading import FactData, load_facts

SOURCE = re.compile(r"〔([^〔〕\n]+#[^〔〕\n]+)〕")
BACKLINKS = re.compile(r"⟦used:([^⟧]+)⟧")
ANCHOR = re.compile(
    r"\{[^}\n]*#([^\s}]+)[^}\n]*\}\s*$|<(?:a|section|div)[^>]* id=\"([^\"]+)\"", re.M
)
# Back-links shown per clause; search finds the other pages.
MAX_LINKS = 4
MAIN = ("services/", "duties/")
TITLE = re.compile(r"^title: (.+)$", re.M)


class BuildError(Exception):
    """The knowledge base could not be built. The message names the file and the reason."""


def page_title(text: str) -> str:
    """Returns the title in a page's front matter, or an empty string."""
    match = TITLE.search(text)
    return match[1].strip() if match else ""


def relative(page: str, target: str) -> str:
    """Returns the relative Markdown link from `page` to ``other/page#anchor``."""
    name, _, anchor = target.partition("#")
    path = os.path.relpath(f"{name}.md", os.path.dirname(page) or ".")
    return path + (f"#{anchor}" if anchor else "")


def cited_in(text: str) -> list[str]:
    """Returns the distinct sources that a page cites, in order of appearance."""
    sources = [c for match in SOURCE.finditer(text) for c in match[1].split("、")]
    return list(dict.fromkeys(sources))


def link_sources(text: str, page: str) -> str:
    """Replaces 〔青21#10、未保法#11〕 by links. Raises `BuildError` for an unknown source."""
    clauses = load_facts().clauses

    def replace(match: re.Match[str]) -> str:
        links = []
        for clause in match[1].split("、"):
            if clause not in clauses:
                raise BuildError(f"docs/{page}：没有“{clause}”这个出处，请查事实文件")
            links.append(f"[{clause}]({relative(page, clauses[clause])}){{ .source }}")
        return "〔" + "、".join(links) + "〕"

    return SOURCE.sub(replace, text)


def link_back(pages: Mapping[str, str]) -> dict[str, str]:
    """Replaces ``⟦used:青21#10⟧`` by links to the pages that cite the clause."""
    users: dict[str, list[str]] = defaultdict(list)
    for name, text in pages.items():
        if name not in ("sources", "changes", "glossary") and not name.startswith("policy/"):
            for clause in cited_in(text):
                users[clause].append(name)

    def fill(name: str, text: str) -> str:
        def replace(match: re.Match[str]) -> str:
            cited = match[1]
            # Teaching pages first, then by number of citations.
            citing = sorted(
                users[cited], key=lambda u: (not u.startswith(MAIN), -pages[u].count(cited))
            )
            links = [f"[{page_title(pages[u])}]({relative(name, u)})" for u in citing[:MAX_LINKS]]
            suffix = f"等 {len(citing)} 页" if len(citing) > MAX_LINKS else ""
            return "用在：" + "、".join(links) + suffix + "。" if links else ""

        return BACKLINKS.sub(replace, text)

    return {name: fill(name, text) for name, text in pages.items()}


_PROTECTED = re.compile(r"\[[^\]]*\]\([^)]*\)(?:\{[^}]*\})?|<[^>]*>|`[^`]*`|〔[^〕]*〕|“[^”]*”")


def link_terms(text: str, page: str, terms: Iterable[FactData]) -> str:
    """Links the first mention of each glossary term in running text to its pop-up definition."""
    pending = {t["term"]: t["means"] for t in terms}
    if page == "glossary":
        return text
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if not pending:
            break
        if line.startswith(("#", "title:", "|", "!!!", "<", "---", "⟦", "{")):
            continue
        lines[number] = _link_terms_in(line, page, pending)
    return "\n".join(lines)


def _link_terms_in(line: str, page: str, pending: dict[str, str]) -> str:
    held: list[str] = []

    def hold(match: re.Match[str]) -> str:
        held.append(match[0])
        return f"\ue000{len(held) - 1}\ue001"

    line = _PROTECTED.sub(hold, line)
    for term in sorted(pending, key=len, reverse=True):
        plain = term.strip("“”")
        if plain in line:
            means = pending.pop(term).replace('"', "”")
            target = f"{relative(page, 'glossary')}#{anchor_of(term)}"
            link = f'[{plain}]({target}){{ .term data-means="{means}" }}'
            held.append(link)
            line = line.replace(plain, f"\ue000{len(held) - 1}\ue001", 1)
    while "\ue000" in line:
        line = re.sub("\ue000(\\d+)\ue001", lambda m: held[int(m[1])], line)
    return line


def anchor_of(term: str) -> str:
    """Returns the glossary anchor of a term."""
    return "t-" + re.sub(r"[^\w]", "", term)


def anchors_of(name: str, text: str) -> set[str]:
    """Returns a page's name and its ``page#anchor`` names."""
    return {name} | {f"{name}#{m[1] or m[2]}" for m in ANCHOR.finditer(text)}
