"""What stands below `/static/`."""

from __future__ import annotations

import gzip
import re

import brotli
import pytest

from exam_app.web.assets import FOR_GOOD
from exam_app.web.stylesheet import stylesheet
from tests.factories import DISTRICT

# What the database is doesn't show on a page: one engine is enough here.
pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.mark.parametrize(
    ("encoding", "unpack"),
    [("br", brotli.decompress), ("gzip", gzip.decompress), ("identity", bytes)],
)
def test_the_stylesheet_is_served_in_each_encoding(app, encoding, unpack):
    client = app.test_client()
    answer = client.get("/static/app.css", headers={"Accept-Encoding": encoding})
    assert (answer.status_code, answer.mimetype) == (200, "text/css")
    assert unpack(answer.data) == stylesheet()
    assert answer.headers["Cache-Control"] == "no-cache"


def test_pages_load_no_stylesheet_but_their_own(app):
    page = app.test_client().get("/login").text
    assert page.count('rel="stylesheet"') == 1
    (address,) = re.findall(r'"(/static/app\.[0-9a-f]{10}\.css)"', page)
    assert app.test_client().get(address).headers["Cache-Control"] == FOR_GOOD


def test_a_file_that_does_not_exist_is_not_found(app):
    client = app.test_client()
    for path in ("/static/none.css", "/static/../app.py", "/static/css"):
        assert client.get(path).status_code == 404, path


def test_icons_and_drawings_are_served_compressed(app):
    client = app.test_client()
    for path in ("icons.svg", "mark.svg", "drawings/desk.svg"):
        answer = client.get(f"/static/{path}", headers={"Accept-Encoding": "br"})
        assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml"), path
        assert brotli.decompress(answer.data).startswith(b"<svg xmlns="), path


def test_the_menu_shows_icons_of_the_sprite(app, world, sign_in):
    page = sign_in(world.account("district", DISTRICT)).get("/").get_data(as_text=True)
    icon = r'<svg class="icon" aria-hidden="true"><use href="/static/icons\.[0-9a-f]{10}\.svg#'
    assert len(re.findall(icon, page)) >= 10
    assert "#overview" in page
