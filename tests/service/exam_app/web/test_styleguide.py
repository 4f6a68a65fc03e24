"""`/styleguide`: there while developing, and complete; not there in production."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from exam_app.web.stylesheet import FOLDER

# What the database is doesn't show on a page: one engine is enough here.
pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def demonstration(app):
    app.config["ACADEMY"] = replace(app.config["ACADEMY"], demo=True)
    return app.test_client()


def test_production_has_no_styleguide(app):
    assert app.test_client().get("/styleguide").status_code == 404


def test_it_needs_no_sign_in_and_takes_theme_and_size(demonstration):
    plain = demonstration.get("/styleguide")
    assert plain.status_code == 200
    assert '<html lang="zh-CN">' in plain.text
    shown = demonstration.get("/styleguide?theme=dark&size=26&desk=1").text
    assert '<html lang="zh-CN" data-theme="dark" data-size="26" data-desk>' in shown
    odd = demonstration.get('/styleguide?theme="><script>&size=1000').text
    assert '<html lang="zh-CN">' in odd


def test_each_class_of_each_component_is_shown(demonstration):
    page = demonstration.get("/styleguide").text
    shown = {c for value in re.findall(r'class="([^"]*)"', page) for c in value.split()}
    missing = {}
    # The frame stands around the page itself; an office's needs an office.
    for path in sorted((FOLDER / "components").glob("*.css")):
        if path.stem == "frame":
            continue
        css = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
        classes = {
            c for s in re.findall(r"([^{};]+)\{", css) for c in re.findall(r"\.([a-z][\w-]*)", s)
        }
        if left := classes - shown:
            missing[path.name] = left
    assert missing == {}
