"""Icons and drawings: those that pages name, small, and none as a character."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from exam_app.web import navigation
from exam_app.web.icons import ICONS, sprite
from exam_app.web.stylesheet import FOLDER

STATIC = FOLDER.parent
TEMPLATES = {p: p.read_text() for p in (STATIC.parent / "templates").rglob("*.html")}
SVG = "{http://www.w3.org/2000/svg}"


def named(macro: str) -> set[str]:
    text = "".join(TEMPLATES.values())
    return set(re.findall(rf"\b{macro}\('([\w-]+)'\)", text))


def test_the_sprite_has_the_icons_that_pages_name_and_is_small():
    menu = [
        *navigation.DIRECTOR,
        *navigation.CITY,
        *navigation.navigation("supervisor"),
        *navigation.navigation("city"),
    ]
    assert {entry.icon for entry in menu} | named("icon") == set(ICONS)
    assert len(sprite()) <= 4096
    symbols = ElementTree.fromstring(sprite()).findall(f"{SVG}symbol")
    assert [s.get("id") for s in symbols] == list(ICONS)
    for symbol in symbols:
        assert symbol.get("viewBox") == "0 0 24 24" and len(symbol) >= 1, symbol.get("id")


def test_six_drawings_and_the_mark_are_small():
    drawings = sorted((STATIC / "drawings").glob("*.svg"))
    assert named("drawing") == {path.stem for path in drawings}
    assert len(drawings) == 6
    for path in [*drawings, STATIC / "mark.svg", STATIC / "icon.svg"]:
        assert path.stat().st_size <= 6144, path
        for node in ElementTree.parse(path).iter():
            # The content security policy would not let it load or run anything.
            assert node.tag.removeprefix(SVG) in {"svg", "path", "circle", "rect", "g"}, path


def test_no_character_stands_for_an_icon():
    for path, text in TEMPLATES.items():
        assert re.findall(r"[‹›▸▾☀▤✎☺★◉☰▥⚑✪❏⚙]", text) == [], path
