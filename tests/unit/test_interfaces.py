"""What the pages for those outside promise is there, and what they may rely on stands on them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

import click
import pytest
import yaml
from flask import Flask

from benchmarks.__main__ import bench as benchmarks_command
from benchmarks.catalogue import BENCHES
from exam_app.api.openapi import Operation, describe
from exam_app.blueprints import register_blueprints
from exam_app.config import PREFIX, ROOT, Config
from exam_app.evaluation.sources import KNOWN
from exam_app.exams.states import ALLOWED
from exam_app.kb.pages import render_pages
from question_bank import Blueprint, classical
from question_bank.irt import Calibration, ItemParameters, PersonScore
from question_bank.overall_fit import OverallFit
from question_bank.question import parse_question
from tests.commands import all_commands
from training_records.evaluation.scheme import read_scheme
from training_records.facts.levels import COUNTED_LEVELS, LEVELS

NAMES = ("help/interfaces", "help/formats")
PAGE = "\n".join((ROOT / "docs" / f"{name}.md").read_text("utf-8") for name in NAMES)
CODE = re.findall(r"`([^`\n]+)`", PAGE)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def section(anchor: str) -> str:
    """The text under a heading, up to the next of any level."""
    return re.search(rf"^##+ .*\{{ #{anchor} \}}\n(.*?)(?=^##|\Z)", PAGE, re.M | re.S)[1]


def rows(anchor: str) -> list[list[str]]:
    """The cells of a section's table rows, heads left out."""
    lines = [line for line in section(anchor).splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def sample(anchor: str) -> str:
    """The first block of code in a section."""
    lines = section(anchor).split("\n\n    ", 1)[1].split("\n\n", 1)[0]
    return "\n".join(line.removeprefix("    ") for line in lines.splitlines())


def leaves(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by what is typed."""
    if isinstance(command, click.Group):
        for word, below in command.commands.items():
            yield from leaves(below, f"{name} {word}")
    else:
        yield name, command


COMMANDS = dict(leaves(all_commands(), "academy"))


def named(code: str) -> str | None:
    """The command that a text calls."""
    words = code.split()
    return next((n for k in (3, 2) if (n := " ".join(words[:k])) in COMMANDS), None)


def unknown_options(command: str, text: str) -> set[str]:
    own = benchmarks_command if command == "academy bench" else COMMANDS[command]
    return set(re.findall(r"--[a-z][a-z-]*", text)) - {o for p in own.params for o in p.opts}


def test_every_command_on_the_page_exists():
    typed = [code for code in CODE if code.startswith("academy ")]
    assert [code for code in typed if not named(code)] == []
    wrong = {code: unknown_options(named(code), code) for code in typed}
    assert {code: options for code, options in wrong.items() if options} == {}


def test_every_command_stands_in_one_row_with_its_options():
    found = [
        (named(cells[0].strip("`")), cells[0] + cells[1])
        for group in ("run", "people", "bank", "kb")
        for cells in rows(f"commands-{group}")
    ]
    assert sorted(command for command, _ in found) == sorted(COMMANDS)
    for command, text in found:
        assert not unknown_options(command, text), command
        options = {max(p.opts, key=len) for p in COMMANDS[command].params if p.opts[0][:1] == "-"}
        shows_json = "--json" in options and "JSON" not in text
        missing = {o for o in options if o not in text} - (set() if shows_json else {"--json"})
        assert not missing, command


@pytest.mark.parametrize(
    "code", ["academy archive burn", "academy pour", "academy", "make archive"]
)
def test_a_command_that_is_not_there_is_noticed(code):
    assert named(code) is None


def test_an_option_that_is_not_there_is_noticed():
    assert unknown_options("academy serve", "--workers --hats") == {"--hats"}


@pytest.fixture(scope="module")
def app() -> Flask:
    app = Flask("routes")
    register_blueprints(app)
    return app


def bare(path: str) -> str:
    return re.sub(r"<[^>]*>", "<>", path)


def routes(app: Flask) -> dict[str, Operation | None]:
    """`GET /api/v1/exams` to what the endpoint takes and gives."""
    return {
        f"{method} {bare(rule.rule)}": vars(app.view_functions[rule.endpoint]).get("operation")
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/")
        for method in rule.methods or ()
        if method in METHODS
    }


def test_every_route_on_the_page_exists_and_every_route_stands_on_it(app):
    on_page = {bare(code) for code in CODE if re.match(rf"({'|'.join(METHODS)}) /", code)}
    assert on_page == set(routes(app))
    paths = {bare(rule.rule) for rule in app.url_map.iter_rules()}
    pages = {code for cells in rows("pages") for code in re.findall(r"`([^`]+)`", cells[0])}
    assert [page for page in pages if bare(page) not in paths] == []
    assert len(pages) > 10


def properties(schema: Any, parts: dict[str, Any]) -> Iterator[str]:
    """The names of all fields of a schema, those of its parts included."""
    if isinstance(schema, list):
        for one in schema:
            yield from properties(one, parts)
    elif isinstance(schema, dict):
        if "$ref" in schema:
            yield from properties(parts[schema["$ref"].rpartition("/")[2]], parts)
        yield from schema.get("properties", {})
        for key, below in schema.items():
            for one in below.values() if key == "properties" else [below]:
                yield from properties(one, parts)


def test_the_shapes_on_the_page_are_those_of_the_endpoints(app):
    found = {bare(cells[0].strip("`")): cells[1] for cells in rows("api")}
    described = {route: operation for route, operation in routes(app).items() if operation}
    assert set(found) == set(described)
    for route, operation in described.items():
        told = set(re.findall(r'"(\w+)"', found[route]))
        view = lambda: None  # noqa: E731
        vars(view)["operation"] = operation
        method, path = route.split(" ")
        parts = describe([(path, method, view)])["components"]["schemas"]
        models: Iterable[Any] = filter(None, (operation.takes, operation.gives))
        names = {n for m in models for n in properties(parts[m.__name__], parts)}
        if route.endswith("/submit"):
            # What it gives is the next row's.
            names = set(operation.takes.model_fields)
        assert told == names, route
        assert all(f"`{name}`" in found[route] for name in operation.query), route


def test_every_setting_is_on_the_page():
    settings = {f"{PREFIX}{f.name.upper()}" for f in fields(Config) if f.name != "sources"}
    assert {cells[0].strip("`") for cells in rows("config")} == settings


def test_every_make_target_on_the_page_exists():
    targets = set(re.findall(r"^(\w+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.M))
    on_page = {code.split()[1] for code in CODE if code.startswith("make ")}
    assert len(on_page) > 5 and on_page <= targets


def test_every_benchmark_is_on_the_page():
    listed = re.findall(r"^- .*$", section("commands-run"), re.M)
    assert {name for line in listed for name in re.findall(r"`(\w+)`", line)} == set(BENCHES)


def test_the_levels_are_those_that_are_stored():
    found = {cells[0].strip("`"): cells[2] for cells in rows("keys")}
    assert list(found) == list(LEVELS)
    assert {key for key, counts in found.items() if counts == "算"} == set(COUNTED_LEVELS)


def test_the_states_are_those_that_an_attempt_goes_through():
    lines = [line.split(" → ") for line in section("states").splitlines() if " → " in line]
    told = {(before.strip(), after) for before, all_ in lines for after in all_.split("、")}
    assert told == {pair for pair in ALLOWED if pair[1] != "voided"}


def test_the_shapes_of_the_statistics_are_theirs():
    told = set(re.findall(r'"(\w+)"', section("responses"))) - {"A", "fit"}
    items = (classical.TestStats, classical.ItemStats, classical.OptionStats)
    parts = (*items, Calibration, ItemParameters, PersonScore, OverallFit)
    assert told == {field.name for part in parts for field in fields(part)}


def test_blocks_of_code_are_shown_as_written():
    blocks = re.findall(r"^    .*$", PAGE, re.M)
    assert len(blocks) > 50
    shown = [line for name in NAMES for line in render_pages()[name].splitlines()]
    assert set(blocks) <= set(shown)


def test_the_samples_of_files_can_be_read():
    question = parse_question(yaml.safe_load(sample("questions"))[0])
    assert question.type == "single" and question.status == "reviewed"
    assert Blueprint.model_validate(yaml.safe_load(sample("blueprint"))).items == 50
    scheme = read_scheme(sample("scheme"))
    assert set(scheme.measures) <= set(KNOWN)
