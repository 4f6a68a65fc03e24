"""What offices publish in the knowledge base: model workers who agreed to it, and cases that the city chose."""

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
    """A model worker: as the knowledge base names them."""

    year: int
    name: str
    place: str
    words: str


@dataclass(frozen=True)
class PublishedCase:
    """A case: what the matter was, what was done, what came of it."""

    year: int
    title: str
    place: str
    situation: str
    done: str
    result: str


@dataclass(frozen=True)
class Published:
    """All that is published."""

    people: tuple[PublishedPerson, ...] = ()
    cases: tuple[PublishedCase, ...] = ()


NOTHING = Published()


def file_of(site: Path) -> Path:
    """Where what is published lies, beside the site."""
    return site.with_name("published.json")


def load_published(path: Path) -> Published:
    """What is published; nothing where there is no file."""
    if not path.exists():
        return NOTHING
    told = json.loads(path.read_text("utf-8"))
    return Published(
        tuple(PublishedPerson(**p) for p in told["people"]),
        tuple(PublishedCase(**c) for c in told["cases"]),
    )


def write_published(path: Path, published: Published) -> None:
    """Keeps what is published, for this build and all later ones."""
    with written_whole(path) as half:
        half.write_text(json.dumps(asdict(published), ensure_ascii=False, indent=1), "utf-8")


def as_markdown(text: str) -> str:
    """What people wrote, as Markdown that shows just that: no markup, no HTML, no links to sources."""
    text = re.sub("[〔〕⟦⟧]", "", text)
    lines = [
        _MARKS.sub(r"\\\1", html.escape(line.strip(), quote=False)) for line in text.splitlines()
    ]
    return "\n\n".join(line for line in lines if line)
