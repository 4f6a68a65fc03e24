"""What CONTRIBUTING.md and the decision records name exists; the records are in order and not published."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import click
import pytest
from flask import Flask

from exam_app.blueprints import register_blueprints
from exam_app.config import ROOT
from exam_app.kb.pages import render_pages
from tests.commands import all_commands

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
PACKAGES = [ROOT / name for name in ("question_bank", "training_records", "exam_app")]
DECISIONS = ROOT / "docs" / "decisions"
RECORDS = sorted(DECISIONS.glob("*.md"))
SECTIONS = ["Status", "Context", "Decision", "Consequences", "How to undo it"]


def section(title: str) -> str:
    """The text under a `##` heading of CONTRIBUTING.md."""
    return re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", CONTRIBUTING, re.M | re.S)[1]


def code_in(text: str) -> list[str]:
    """What stands in backticks; words of the pages are no code."""
    return [code for code in re.findall(r"`([^`\n]+)`", text) if code.isascii()]


@cache
def names_in(path: Path) -> frozenset[str]:
    """What a file defines: `function`, `Class`, `Class.attribute`, `attribute`, `CONSTANT`; and what a package
    passes on."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef):
            own = set().union(*map(bound_by, node.body))
            names |= own
            if isinstance(node, ast.ClassDef):
                names |= {f"{node.name}.{name}" for name in own}
        elif isinstance(node, ast.ImportFrom) and path.name == "__init__.py":
            names |= {alias.asname or alias.name for alias in node.names}
    return frozenset(names)


def bound_by(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


@cache
def texts_in(path: Path) -> frozenset[str]:
    """The string constants of a file."""
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return frozenset(n.value for n in nodes if isinstance(n, ast.Constant) and type(n.value) is str)


def files_of(place: Path) -> list[Path]:
    return [place] if place.is_file() else sorted(place.rglob("*.py"))


def is_defined(name: str, files: list[Path]) -> bool:
    if name.startswith('"'):
        return any(name.strip('"') in texts_in(path) for path in files)
    return any(name in names_in(path) for path in files)


def is_path(code: str) -> bool:
    """A path from the top or within a package, or the name of files in one of them."""
    roots = [ROOT, *PACKAGES]
    if "/" not in code and "." in code:
        return (ROOT / code).exists() or any(any(p.rglob(code)) for p in PACKAGES)
    return any((root / code).exists() for root in roots)


def is_module_or_name(code: str) -> bool:
    """`coverage.running`, `exams.service.submit`, `Job.state`, `mark_dirty`."""
    code = code.partition("(")[0]
    for package in PACKAGES:
        place = package.joinpath(*code.split("."))
        if place.is_dir() or place.with_suffix(".py").is_file():
            return True
        for file in (place.parent.with_suffix(".py"), place.parent / "__init__.py"):
            if place.parent != package and file.is_file() and place.name in names_in(file):
                return True
    return any(is_defined(code, files_of(package)) for package in PACKAGES)


def is_command(words: list[str]) -> bool:
    if words[0] == "make":
        return re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text("utf-8"), re.M) is not None
    command: click.Command = all_commands()
    for word in words[1:]:
        if not isinstance(command, click.Group):
            # What follows is an argument, such as the name of a benchmark.
            return True
        if word not in command.commands:
            return False
        command = command.commands[word]
    return True


@cache
def routes() -> frozenset[tuple[str, str]]:
    app = Flask("routes")
    register_blueprints(app)
    return frozenset(
        (method, re.sub(r"<[^>]*>", "<>", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    )


def exists(code: str) -> bool:
    if code.startswith(("academy ", "make ")):
        return is_command(code.split())
    if re.match("[A-Z]+ /", code):
        method, path = code.split()
        return (method, re.sub(r"<[^>]*>", "<>", path)) in routes()
    return is_path(code) or is_module_or_name(code)


def test_what_the_layout_names_exists():
    named = code_in(section("How the code is laid out"))
    assert [code for code in named if not exists(code)] == []
    assert len(named) > 100


@pytest.mark.parametrize(
    "code",
    [
        "exam_app/door.py",
        "door.py",
        "exams.door",
        "exams.service.give",
        "web.nothing",
        "Attempt.chair",
        "Seats",
        "academy archive burn",
        "make coffee",
        "PUT /api/v1/attempts/<id>",
    ],
)
def test_what_is_not_there_is_noticed(code):
    assert not exists(code)


def test_the_glossary_names_what_exists():
    seen: list[str] = []
    for group in re.split(r"^### ", section("Glossary"), flags=re.M)[1:]:
        title, _, where, _, _, _, *rows = group.strip().splitlines()
        places = [ROOT / code for code in code_in(where)]
        assert places and all(place.exists() for place in places), title
        files = [file for place in places for file in files_of(place)]
        for row in rows:
            chinese, code, term = (cell.strip() for cell in row.strip("|").split("|"))
            assert chinese and term, row
            assert code_in(code), row
            assert [name for name in code_in(code) if not is_defined(name, files)] == [], title
            seen.append(chinese)
    assert len(seen) == len(set(seen)) >= 60


def test_links_lead_to_files():
    for page in (ROOT / "CONTRIBUTING.md", *RECORDS):
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / link).exists(), (page.name, link)


def test_decisions_are_numbered_and_have_their_sections():
    assert [int(path.name[:4]) for path in RECORDS] == list(range(1, len(RECORDS) + 1))
    assert len(RECORDS) >= 10
    for number, path in enumerate(RECORDS, 1):
        text = path.read_text("utf-8")
        assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", path.name)
        assert text.startswith(f"# {number}. "), path.name
        assert re.findall(r"^## (.+)$", text, re.M) == SECTIONS, path.name
        assert all(part.strip() for part in re.split(r"^## .+$", text, flags=re.M)[1:]), path.name
        assert len(text.split()) <= 500, path.name


def test_decisions_name_paths_that_exist():
    for path in RECORDS:
        paths = [code for code in code_in(path.read_text("utf-8")) if re.match(r"[\w.]+/", code)]
        assert [code for code in paths if not is_path(code)] == [], path.name


def test_decisions_are_not_published():
    nav = (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:")[2]
    assert DECISIONS.name not in nav
    assert "index" in render_pages()
    assert not any(DECISIONS.name in Path(page).parts for page in render_pages())
