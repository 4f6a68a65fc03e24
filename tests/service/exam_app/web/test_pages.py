from __future__ import annotations

import re

import pytest
from sqlalchemy.exc import OperationalError

from tests.factories import DISTRICT

# What the database is doesn't show on a page: one engine is enough here.
pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def test_headers_are_strict_and_errors_carry_a_request_id(app, world, sign_in):
    api = sign_in(world.account("district", DISTRICT))
    answer = api.get("/coverage")
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    missing = api.get("/archive/999")
    assert missing.status_code == 404 and missing.headers["X-Request-ID"] in missing.text
    assert api.get("/no-such-page").status_code == 404
    assert api.get("/api/v1/people/999/records").mimetype == "application/problem+json"


def test_a_lost_database_is_a_503_that_says_so(app, world, sign_in, monkeypatch):
    api = sign_in(world.account("district", DISTRICT))

    def lost(*_):
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr("exam_app.web.sign_in.find_session", lost)
    for path in ("/", "/login", "/api/v1/coverage"):
        answer = api.get(path)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30"), path
        assert "数据库暂时忙" in answer.get_data(as_text=True)
    monkeypatch.undo()
    assert api.get("/").status_code == 200


def test_files_carry_no_cookie_and_are_kept_for_good(app, world, sign_in):
    api = sign_in(world.account("district", DISTRICT))
    page = api.get("/coverage")
    assert page.headers["Set-Cookie"]
    address = re.search(r'"(/static/app\.[0-9a-f]{10}\.js)"', page.text)[1]
    answer = api.get(address)
    assert answer.status_code == 200 and "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Cookie" not in answer.headers.get("Vary", "")
    worker = api.get("/sw.js")
    assert worker.status_code == 200 and worker.headers["Cache-Control"] == "no-cache"


def test_health(app):
    client = app.test_client()
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz").status_code == 200


def test_numbers_that_no_column_holds(world, sign_in):
    office = sign_in(world.account("district", DISTRICT))
    huge = str(10**30)
    assert office.get(f"/archive/{huge}").status_code == 404
    answers = [
        office.form("/office-tasks", withdraw=huge),
        office.form("/coverage", division=huge),
        office.get(f"/coverage?year={huge}"),
        office.get(f"/exemplars?year={huge}"),
        office.get(f"/cases?year={huge}"),
    ]
    assert all(a.status_code < 500 for a in answers), [a.status_code for a in answers]
