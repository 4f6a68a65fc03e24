"""Content that offices publish in the knowledge base: model workers who consented, and cases that the city chose."""

from __future__ import annotations

import html
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from training_records.files import written_whole

_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|~>])")


@dataclass(frozen=True)
class PublishedPerson:
    """A model worker as the knowledge base presents them."""

    year: int
    name: str
    place: str
    words: str


@dataclass(frozen=True)
class PublishedCase:
    """A good-practice case: situation, action taken, result."""

    year: int
    title: str
    place: str
    situation: str
    done: str
    result: str


@dataclass(frozen=True)
class Published:
    """All published content."""

    people: tuple[PublishedPerson, ...] = ()
    cases: tuple[PublishedCase, ...] = ()


NOTHING = Published()


def file_of(site: Path) -> Path:
    """Returns the path of the published content, beside the site folder."""
    return site.with_name("published.json")


def load_published(path: Path) -> Published:
    """Loads the published content; `NOTHING` if there is no file."""
    if not path.exists():
        return NOTHING
    stored = json.loads(path.read_text("utf-8"))
    return Published(
        tuple(PublishedPerson(**p) for p in stored["people"]),
        tuple(PublishedCase(**c) for c in stored["cases"]),
    )


def write_published(path: Path, published: Published) -> None:
    """Stores the published content atomically, for this and later builds."""
    with written_whole(path) as partial:
        partial.write_text(json.dumps(asdict(published), ensure_ascii=False, indent=1), "utf-8")


def as_markdown(text: str) -> str:
    """Escapes user text so that Markdown renders it literally: no markup, no HTML, no source links."""
    text = re.sub("[〔〕⟦⟧]", "", text)
    lines = [
        _MARKS.sub(r"\\\1", html.escape(line.strip(), quote=False)) for line in text.splitlines()
    ]
    return "\n\n".join(line for line in lines if line)
