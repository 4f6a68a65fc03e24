"""The layout of the packages: what stands where, and what may not stand there. Imports are the contracts' matter."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = [ROOT / name for name in ("question_bank", "training_records", "exam_app")]
EXAM_APP = ROOT / "exam_app"
VIEWS = sorted({*EXAM_APP.glob("*/views.py"), *EXAM_APP.glob("*/*_views.py")})
MAX_LINES = 600

# Methods of a session that read or write rows, whatever they are given.
STATEMENTS = {"execute", "scalar", "scalars", "query", "get_one", "add", "add_all", "delete"}
SESSIONS = re.compile(r"(^|\.)(db|begin_writing)\(\)$|^(session|database|db)$")
INLINE = re.compile(
    r"""<style\b|<script\b(?![^>]*\bsrc=)|\sstyle\s*=|\son[a-z]+\s*=\s*["'{]|javascript:""", re.I
)


def sources() -> list[Path]:
    """The product's Python files without the migrations, which only ever grow in number."""
    found = [file for package in PRODUCT for file in sorted(package.rglob("*.py"))]
    return [file for file in found if "versions" not in file.parts]


def name(file: Path) -> str:
    return str(file.relative_to(ROOT))


def queries(source: str) -> Iterator[str]:
    """What a module asks the database by itself: SQLAlchemy's words, or a session's own methods."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        else:
            modules = []
        for module in modules:
            if module.split(".")[0] == "sqlalchemy":
                yield f"line {node.lineno}: {ast.unparse(node)}"
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        method, on = node.func.attr, ast.unparse(node.func.value)
        fetches = method == "get" and node.args and ast.unparse(node.args[0])[:1].isupper()
        if SESSIONS.search(on) and (method in STATEMENTS or fetches):
            yield f"line {node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize(
    "source",
    [
        "from sqlalchemy import select",
        "import sqlalchemy.orm",
        "rows = web.db().scalars(query)",
        "session.execute(query)",
        "one = session.get(Exam, 3)",
        "one = web.db().get_one(Exam, 3)",
        "web.begin_writing().add(row)",
    ],
)
def test_a_query_is_recognised(source: str) -> None:
    assert list(queries(source))


@pytest.mark.parametrize(
    "source",
    [
        '"select(Exam)"  # session.execute(…)',
        'session.get("second", (0, 0))',
        "found = service.exams_for(web.db(), 3)",
        "web.db().commit()",
        "chosen.add(3)",
    ],
)
def test_what_is_no_query_is_not_taken_for_one(source: str) -> None:
    assert not list(queries(source))


@pytest.mark.parametrize("file", VIEWS, ids=name)
def test_a_view_holds_no_query(file: Path) -> None:
    assert not list(queries(file.read_text()))


def test_every_capability_with_pages_is_looked_at() -> None:
    assert len(VIEWS) > 30


def test_the_top_of_the_application_is_small() -> None:
    assert len(list(EXAM_APP.glob("*.py"))) <= 8


def test_the_settings_can_be_read_without_the_application() -> None:
    tree = ast.parse((EXAM_APP / "__init__.py").read_text())
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    program = "import sys, exam_app.config; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "exam_app" in done.stdout.split()
    assert not {"flask", "sqlalchemy"} & set(done.stdout.split())


def test_no_file_is_too_long_to_be_read_at_once() -> None:
    long = [name(f) for f in sources() if len(f.read_text().splitlines()) >= MAX_LINES]
    assert long == []


def test_the_product_imports_nothing_that_stands_outside_it() -> None:
    outside = {"benchmarks", "harness", "tests"}
    found = []
    for file in sources():
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            else:
                continue
            found += [(name(file), m) for m in modules if m.split(".")[0] in outside]
    assert found == []


@pytest.mark.parametrize(
    ("text", "inline"),
    [
        ("<script>go()</script>", True),
        ("<p style='color: red'>", True),
        ('<a onclick="go()">', True),
        ("<script src=\"{{ url_for('static', filename='a.js') }}\" defer></script>", False),
        ("<p class='style'>on=1</p>", False),
    ],
)
def test_inline_code_is_recognised(text: str, inline: bool) -> None:
    assert bool(INLINE.search(text)) is inline


def test_templates_hold_no_script_and_no_style() -> None:
    templates = sorted((EXAM_APP / "templates").rglob("*.html"))
    assert len(templates) > 50
    assert [name(t) for t in templates if INLINE.search(t.read_text())] == []


# Views that still read fields by hand. It only ever gets shorter: declare the form (`exam_app/web/forms.py`).
READS_BY_HAND = {
    "exam_app/accounts/own_views.py",
    "exam_app/accounts/views.py",
    "exam_app/archive/views.py",
    "exam_app/evaluation/allowance_views.py",
    "exam_app/evaluation/scheme_views.py",
    "exam_app/learn/editor_views.py",
    "exam_app/learn/views.py",
    "exam_app/ledger/views.py",
    "exam_app/practice/views.py",
}


def test_forms_are_declared():
    """What is typed goes through a declared form; only `exam_app/web` reads a request's fields."""
    reading = {
        name(file)
        for file in sources()
        if re.search(r"\brequest\.(form|values)\b", file.read_text("utf-8"))
        and file.parent != EXAM_APP / "web"
    }
    assert reading == READS_BY_HAND


def test_every_form_stands_in_the_table_of_forms():
    """`docs/help/interfaces.md` says which class takes what is sent to which address."""
    page = (ROOT / "docs" / "help" / "interfaces.md").read_text("utf-8")
    declared = {
        node.name
        for file in EXAM_APP.glob("*/forms.py")
        if file.parent.name != "web"
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
    }
    assert {
        form for form in declared if f"`{form}`" not in page and f".{form}`" not in page
    } == set()
