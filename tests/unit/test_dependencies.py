"""What the product imports is declared, and what it declares is used."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

from exam_app.config import ROOT

PACKAGES = ("question_bank", "training_records", "exam_app")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
# Used without an import: the theme of the knowledge base, the zones of machines that have none.
SILENT = {"mkdocs-material", "tzdata"}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(requirements: list[str]) -> set[str]:
    return {plain(re.match(r"[\w.-]+", text)[0]) for text in requirements}


def imported(folders: tuple[str, ...]) -> set[str]:
    """The distributions that the files import, under whatever condition."""
    found = set()
    for file in [f for folder in folders for f in (ROOT / folder).rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    known = packages_distributions()
    outside = found - set(sys.stdlib_module_names) - {*PACKAGES, "benchmarks", "harness", "tests"}
    return {plain(known[name][0]) if name in known else name for name in outside}


RUN = declared(PROJECT["dependencies"])


def test_every_import_of_the_product_is_declared():
    # Part of pydantic and of psycopg's extra `pool`.
    assert imported(PACKAGES) - RUN - {"pydantic-core", "psycopg-pool"} == set()


def test_everything_declared_is_imported_or_known_to_be_used():
    assert RUN - imported(PACKAGES) - SILENT == set()


def test_what_only_tests_and_measurements_import_is_not_installed_to_run():
    extras = PROJECT["optional-dependencies"]
    others = imported(("tests", "benchmarks", "harness")) - imported(PACKAGES)
    assert others & RUN == set()
    assert others <= declared([*extras["dev"], *extras["bench"]])


def test_pins_name_each_requirement_once():
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    names = [plain(line.split("==")[0]) for line in lines]
    assert len(names) == len(set(names))
    extras = PROJECT["optional-dependencies"].values()
    assert RUN.union(*map(declared, extras)) <= set(names)
