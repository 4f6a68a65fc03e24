"""Links of the knowledge base: sources to clauses, clauses back to pages, words to the glossary."""

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
# A clause cited everywhere leads to the first pages; the rest is found by searching.
MAX_LINKS = 4
MAIN = ("services/", "duties/")
TITLE = re.compile(r"^title: (.+)$", re.M)


class BuildError(Exception):
    """The knowledge base could not be built; the message says where and why."""


def page_title(text: str) -> str:
    """The title in a page's front matter."""
    found = TITLE.search(text)
    return found[1].strip() if found else ""


def relative(page: str, target: str) -> str:
    """A link from `page` to ``other/page#anchor`` as Markdown wants it."""
    name, _, anchor = target.partition("#")
    path = os.path.relpath(f"{name}.md", os.path.dirname(page) or ".")
    return path + (f"#{anchor}" if anchor else "")


def cited_in(text: str) -> list[str]:
    """Sources that a page cites, in order of appearance, each once."""
    found = [c for match in SOURCE.finditer(text) for c in match[1].split("、")]
    return list(dict.fromkeys(found))


def link_sources(text: str, page: str) -> str:
    """〔青21#10、未保法#11〕 becomes links; an unknown source is a `BuildError`."""
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
    """``⟦used:青21#10⟧`` becomes links to the pages that cite the clause."""
    users: dict[str, list[str]] = defaultdict(list)
    for name, text in pages.items():
        if name not in ("sources", "changes", "glossary") and not name.startswith("policy/"):
            for clause in cited_in(text):
                users[clause].append(name)

    def fill(name: str, text: str) -> str:
        def replace(match: re.Match[str]) -> str:
            cited = match[1]
            # The teaching pages first, and of those the ones that rest on the clause the most.
            found = sorted(
                users[cited], key=lambda u: (not u.startswith(MAIN), -pages[u].count(cited))
            )
            links = [f"[{page_title(pages[u])}]({relative(name, u)})" for u in found[:MAX_LINKS]]
            more = f"等 {len(found)} 页" if len(found) > MAX_LINKS else ""
            return "用在：" + "、".join(links) + more + "。" if links else ""

        return BACKLINKS.sub(replace, text)

    return {name: fill(name, text) for name, text in pages.items()}


_PROTECTED = re.compile(r"\[[^\]]*\]\([^)]*\)(?:\{[^}]*\})?|<[^>]*>|`[^`]*`|〔[^〕]*〕|“[^”]*”")


def link_terms(text: str, page: str, terms: Iterable[FactData]) -> str:
    """The first mention of each glossary word in running text becomes a pop-up link."""
    left = {t["term"]: t["means"] for t in terms}
    if page == "glossary":
        return text
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if not left:
            break
        if line.startswith(("#", "title:", "|", "!!!", "<", "---", "⟦", "{")):
            continue
        lines[number] = _link_terms_in(line, page, left)
    return "\n".join(lines)


def _link_terms_in(line: str, page: str, left: dict[str, str]) -> str:
    kept: list[str] = []

    def hold(match: re.Match[str]) -> str:
        kept.append(match[0])
        return f"\ue000{len(kept) - 1}\ue001"

    line = _PROTECTED.sub(hold, line)
    for term in sorted(left, key=len, reverse=True):
        plain = term.strip("“”")
        if plain in line:
            means = left.pop(term).replace('"', "”")
            target = f"{relative(page, 'glossary')}#{anchor_of(term)}"
            link = f'[{plain}]({target}){{ .term data-means="{means}" }}'
            kept.append(link)
            line = line.replace(plain, f"\ue000{len(kept) - 1}\ue001", 1)
    while "\ue000" in line:
        line = re.sub("\ue000(\\d+)\ue001", lambda m: kept[int(m[1])], line)
    return line


def anchor_of(term: str) -> str:
    """The glossary's anchor of a word."""
    return "t-" + re.sub(r"[^\w]", "", term)


def anchors_of(name: str, text: str) -> set[str]:
    """A page's name and its ``page#anchor`` names."""
    return {name} | {f"{name}#{m[1] or m[2]}" for m in ANCHOR.finditer(text)}
