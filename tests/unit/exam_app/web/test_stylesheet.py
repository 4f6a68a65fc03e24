"""The stylesheet: layers in order, each class of a page defined, no rule by id."""

from __future__ import annotations

import os
import re

import pytest

from exam_app.web import stylesheet as module
from exam_app.web.stylesheet import FOLDER, LAYERS, minified, stylesheet

APP = FOLDER.parents[1]
SOURCES = sorted(FOLDER.rglob("*.css"))
# Classes that scripts find elements by, and that look like nothing.
HOOKS = {"rights"}
STATES = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)


def selectors(css: str) -> list[str]:
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    return re.findall(r"([^{};]+)\{", css)


def defined() -> set[str]:
    css = "".join(path.read_text() for path in SOURCES)
    return HOOKS | {c for s in selectors(css) for c in re.findall(r"\.([a-z][\w-]*)", s)}


def test_layers_stand_in_their_order_and_hold_all_rules():
    sheet = stylesheet().decode()
    assert sheet.startswith("@layer reset,tokens,base,components,pages;@layer reset{")
    found = [sheet.index(f"@layer {layer}{{") for layer in LAYERS]
    assert found == sorted(found)
    depth, outside = 0, ""
    for sign in sheet:
        depth += (sign == "{") - (sign == "}")
        outside += sign if depth == 0 else ""
    assert depth == 0
    assert re.fullmatch(r"@layer [\w,]+;(@layer \w+})+", outside)


def test_every_source_is_joined():
    loose = {p.relative_to(FOLDER).parts[0].removesuffix(".css") for p in SOURCES}
    assert loose == set(LAYERS)


def test_a_changed_source_is_joined_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    for layer in LAYERS:
        (tmp_path / f"{layer}.css").write_text("a { color: red; }")
    assert b"blue" not in stylesheet()
    (tmp_path / "base.css").write_text("a { color: blue; }")
    newest = max(p.stat().st_mtime for p in tmp_path.iterdir())
    os.utime(tmp_path / "base.css", (newest + 5, newest + 5))
    assert b"color:blue" in stylesheet()


@pytest.mark.parametrize(
    ("css", "small"),
    [
        ("a  {\n  color: red;\n}\n", "a{color:red}"),
        ('/* why */ a::after { content: "? "; }', 'a::after{content:"? "}'),
        ("a { padding: calc(8px + 1rem) 2px; }", "a{padding:calc(8px + 1rem) 2px}"),
        ("@media (min-width: 9px) { a, b > c { top: 0 } }", "@media (min-width:9px){a,b>c{top:0}}"),
    ],
)
def test_minified_says_the_same(css, small):
    assert minified(css) == small


def test_the_reset_is_small():
    assert (FOLDER / "reset.css").stat().st_size <= 2000


def test_no_rule_goes_by_an_id():
    for path in SOURCES:
        assert [s for s in selectors(path.read_text()) if "#" in s] == [], path


def test_every_class_of_a_page_is_defined():
    known = defined()
    unknown = {}
    for path in (APP / "templates").rglob("*.html"):
        for value in re.findall(r'\bclass="([^"]*)"', path.read_text()):
            for name in STATES.sub(" ", value).split():
                if name not in known and not name.startswith("{"):
                    unknown.setdefault(name, path.name)
    for path in (APP / "static").rglob("*.js"):
        for value in re.findall(
            r'\bclass(?:Name|List\.\w+\()?:?\s*[=:]?\s*"([\w -]+)"', path.read_text()
        ):
            for name in value.split():
                if name not in known:
                    unknown.setdefault(name, path.name)
    assert unknown == {}
