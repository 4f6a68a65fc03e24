"""Plain-language checks: overlong sentences, and sections without a source."""

from __future__ import annotations

import re
from dataclasses import dataclass

from exam_app.kb.links import SOURCE
from exam_app.kb.pages import raw_pages

# Characters per sentence. Step cards are read at a glance, so their limit is stricter.
CARD_LIMIT = 40
PAGE_LIMIT = 80
ADVICE = "做法建议"
_MARKUP = re.compile(r"〔[^〕]*〕|<[^>]+>|\{[^}]*\}|\]\([^)]*\)|⟦[^⟧]*⟧|[*_#`\[\]|>-]")
_END = re.compile(r"[。！？；]|<br>")
_FREE = ("help/", "index", "sources", "changes", "glossary", "forms/", "policy/read")


@dataclass(frozen=True)
class Offender:
    """A sentence or section that fails a check. `strict` ones fail a strict build."""

    page: str
    text: str
    reason: str
    strict: bool

    def __str__(self) -> str:
        return f"{self.page}：{self.reason}：{self.text[:60]}"


def sentences(text: str) -> list[str]:
    """Returns the sentences of a Markdown text without markup and sources."""
    body = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.S)
    collected = []
    for line in body.split("\n"):
        if line.startswith("|"):
            pieces = [cell for cell in line.split("|") if not re.fullmatch(r"[\s:-]*", cell)]
        else:
            pieces = [line]
        for piece in pieces:
            parts = (_MARKUP.sub("", part).strip() for part in _END.split(piece))
            collected += [part for part in parts if part]
    return collected


def offenders() -> list[Offender]:
    """Returns all sentences over the limits, and all sections with neither a source nor the 做法建议 label."""
    failures = []
    for name, text in raw_pages().items():
        card = name.startswith("cards/")
        limit = CARD_LIMIT if card else PAGE_LIMIT
        for sentence in sentences(text):
            if len(sentence) > limit:
                reason = f"句子有 {len(sentence)} 字，超过 {limit} 字"
                failures.append(Offender(name, sentence, reason, card))
        if not name.startswith(_FREE):
            failures += _unsourced(name, text)
    return failures


def _unsourced(name: str, text: str) -> list[Offender]:
    failures = []
    for section in re.split(r"^(?=## )", text, flags=re.M)[1:]:
        heading, _, body = section.partition("\n")
        if body.strip() and not SOURCE.search(body) and ADVICE not in section:
            reason = "这一节没有出处（是做法建议的请写明）"
            failures.append(Offender(name, heading.lstrip("# "), reason, True))
    return failures
