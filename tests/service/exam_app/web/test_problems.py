"""What scripts of pages are told when a page would be refused, and the kinds of problems."""

from __future__ import annotations

import json
import re

import pytest

from exam_app.config import ROOT
from exam_app.web.answers import PROBLEM_PAGE, PROBLEMS
from tests.factories import DISTRICT, VILLAGE

# What the database is doesn't show on a page: one engine is enough here.
pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
SCRIPT = {"Accept": "application/json"}
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def kind(answer):
    assert answer.mimetype == "application/problem+json"
    return answer.json["type"].removeprefix(PROBLEM_PAGE)


@pytest.mark.parametrize("path", ["/visits/data.json", "/practice/pack.json", "/exams"])
def test_a_script_without_a_sign_in_gets_a_401_and_a_browser_the_form(app, path):
    client = app.test_client()
    answer = client.get(path, headers=SCRIPT)
    assert (answer.status_code, kind(answer)) == (401, "sign-in")
    answer = client.get(path, headers=BROWSER)
    assert answer.status_code == 302 and "/login" in answer.headers["Location"]


def test_other_refusals_are_data_for_scripts_too(world, sign_in):
    api = sign_in(world.account("director", VILLAGE))
    answer = api.client.get("/bank", headers=SCRIPT)
    assert (answer.status_code, kind(answer)) == (403, "forbidden")
    answer = api.client.post("/visits/sync", json=[], headers={**SCRIPT, **api.headers})
    assert (answer.status_code, kind(answer)) == (422, "invalid")
    answer = api.client.post("/visits/sync", json=[], headers=SCRIPT)
    assert (answer.status_code, kind(answer)) == (400, "csrf")
    assert api.client.get("/bank", headers=BROWSER).mimetype == "text/html"


@pytest.mark.parametrize("path", ["/api/v1/outbox", "/api/v1/attempts/1/submit"])
def test_json_that_nests_too_deeply_is_a_bad_request(world, sign_in, path):
    api = sign_in(world.account("director", VILLAGE))
    body = f'{{"items": {"[" * 5000}{"]" * 5000}}}'
    answer = api.client.post(path, data=body, content_type="application/json", headers=api.headers)
    assert (answer.status_code, kind(answer)) == (400, "bad-request")


def test_half_an_emoji_can_be_named_in_an_answer(world, sign_in):
    api = sign_in(world.account("director", VILLAGE))
    body = json.dumps({"visits": [{"key": "\ud83d" * 8, "case": 0}]})
    answer = api.client.post(
        "/visits/sync", data=body, content_type="application/json", headers=api.headers
    )
    assert (answer.status_code, answer.json["taken"]) == (200, [])
    assert answer.json["refused"] == {"?" * 8: "名单里没有这个代号"}


def test_a_token_stays_one_of_the_api(world, sign_in, app):
    """Asking for data doesn't make a page an address for tokens."""
    headers = {**SCRIPT, "Authorization": "Bearer something"}
    assert kind(app.test_client().post("/visits/sync", json={}, headers=headers)) == "csrf"


def test_every_kind_stands_in_the_table(engine):
    page = (ROOT / "docs/help/interfaces.md").read_text("utf-8")
    rows = re.findall(r"^\| `([a-z-]+)`\{ #problem-([a-z-]+) \} \| (\d+) \|", page, re.M)
    assert [(a, int(status)) for a, _, status in rows] == [(k, s) for k, (s, _) in PROBLEMS.items()]
    assert all(a == b for a, b, _ in rows)


def test_an_unknown_page_is_told_by_its_kind(world, sign_in):
    api = sign_in(world.account("district", DISTRICT))
    assert kind(api.get("/api/v1/people/999/records")) == "not-found"
