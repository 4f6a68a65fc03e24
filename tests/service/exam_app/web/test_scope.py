"""Every route × every role: a new route without a rule fails here."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from exam_app.web.access import EVERYONE, PUBLIC
from tests.factories import (
    CITY,
    DISTRICT,
    OTHER_DISTRICT,
    OTHER_VILLAGE,
    TOWN,
    VILLAGE,
    path_of,
    repeated_ids,
)

# What the database is doesn't show on a page: one engine is enough here.
pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

ROLES = {
    "director": VILLAGE,
    "supervisor": TOWN,
    "district": DISTRICT,
    "city": CITY,
    "operator": CITY,
}
OPEN = {"static"}
# What a page without parameters answers other than 200 or a redirect.
OTHERWISE = {
    # A key is asked for between password and second step, and made by those who have a second step.
    "accounts.ask_key": 404,
    "own_account.ask_key": 422,
    # No provider is configured.
    "oidc.begin": 404,
    "oidc.back": 404,
    # Only where it is developed and in a demonstration.
    "styleguide.index": 404,
}


def rules(app):
    return [r for r in app.url_map.iter_rules() if r.endpoint not in OPEN]


def may_open(app, path, role):
    """Whether a page of a path is one that a role may open."""
    endpoint, _ = app.url_map.bind("localhost").match(urlsplit(path).path)
    roles = app.view_functions[endpoint].access
    return roles == PUBLIC or role in roles


def test_every_route_names_its_roles(app):
    for rule in rules(app):
        roles = getattr(app.view_functions[rule.endpoint], "access", None)
        assert roles, rule
        assert roles == PUBLIC or roles <= EVERYONE, rule


@pytest.fixture
def foreign(world):
    """Things of another district."""
    person = world.person(OTHER_VILLAGE)
    account = world.account("director", OTHER_VILLAGE, person)
    entry = world.entry(person, "exam")
    return {
        "person_id": person.id,
        "account_id": account.id,
        "exam_id": 999,
        "attempt_id": 999,
        "no": "QD2026-AAAA-AAAA-AAAA",
        "course_id": "none",
        "unit_id": "none",
        "key": "none",
        "path": "",
        "entry": entry.id,
    }


@pytest.mark.parametrize("role", ROLES)
def test_no_role_reaches_what_it_may_not(app, world, sign_in, foreign, role):
    api = sign_in(world.account(role, ROLES[role]))
    for rule in rules(app):
        roles = app.view_functions[rule.endpoint].access
        if rule.endpoint in ("accounts.logout", "api.login"):
            continue
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            answer = api.client.open(
                path_of(rule, foreign),
                method=method,
                json={} if "/api/" in rule.rule else None,
                headers=api.headers,
            )
            if roles != PUBLIC and role not in roles:
                assert answer.status_code == 403, (rule, method)
            elif method == "GET" and not rule.arguments:
                expected = OTHERWISE.get(rule.endpoint, 200)
                if answer.status_code == 302:
                    assert may_open(app, answer.location, role), (rule, answer.location)
                else:
                    assert answer.status_code == expected, (rule, answer.text[:300])
                    assert repeated_ids(answer) == [], rule
            else:
                assert answer.status_code < 500, (rule, method, answer.text[:300])


def test_without_sign_in_only_public_routes_answer(app, foreign):
    client = app.test_client()
    for rule in rules(app):
        if app.view_functions[rule.endpoint].access == PUBLIC:
            continue
        method = next(iter((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        answer = client.open(path_of(rule, foreign), method=method)
        # A missing CSRF token is refused before the sign-in is asked for.
        assert answer.status_code in (302, 400, 401), rule
        if answer.status_code == 302:
            assert answer.location.startswith("/login")


@pytest.mark.parametrize(("role", "own"), [("supervisor", TOWN), ("district", DISTRICT)])
def test_other_divisions_are_not_found(app, world, sign_in, foreign, role, own):
    api = sign_in(world.account(role, own))
    for path in (
        f"/coverage?division={OTHER_DISTRICT}",
        f"/coverage/export.xlsx?division={OTHER_DISTRICT}",
        f"/coverage/chart.svg?division={OTHER_DISTRICT}",
        f"/ledger?division={OTHER_DISTRICT}",
        f"/archive/{foreign['person_id']}",
        f"/api/v1/coverage?division={OTHER_DISTRICT}",
        f"/api/v1/coverage?division={CITY}",
        f"/api/v1/people/{foreign['person_id']}/records",
    ):
        assert api.get(path).status_code == 404, path
    if role == "district":
        assert api.form(f"/admin/accounts/{foreign['account_id']}/reset").status_code == 404
        assert api.form(f"/ledger/{foreign['person_id']}/account").status_code == 404
        assert api.get(f"/ledger/export.xlsx?division={OTHER_DISTRICT}").status_code == 404


def test_a_director_sees_only_their_own(app, world, sign_in, foreign):
    mine = world.account("director", VILLAGE)
    neighbour = world.account("director", VILLAGE)
    exam = world.exam()
    theirs = sign_in(neighbour).post(f"/api/v1/exams/{exam.id}/attempts").json["attempt_id"]
    api = sign_in(mine)
    assert api.get(f"/archive/{neighbour.person_id}").status_code == 404
    assert api.get(f"/api/v1/people/{neighbour.person_id}/records").status_code == 404
    assert api.get(f"/api/v1/attempts/{theirs}").status_code == 404
    assert (
        api.put(
            f"/api/v1/attempts/{theirs}/answers",
            {"answers": [{"slot": "1", "response": None, "seq": 1}]},
        ).status_code
        == 404
    )
    assert api.post(f"/api/v1/attempts/{theirs}/submit", {"expected": {}}).status_code == 404
    assert api.get(f"/exams/attempts/{theirs}").status_code == 404
    assert api.get(f"/exams/attempts/{theirs}/result").status_code == 404


def test_nobody_resets_their_equals_or_betters(app, world, sign_in):
    district, city = world.account("district", DISTRICT), world.account("city", CITY)
    director = world.account("director", VILLAGE)
    api = sign_in(world.account("district", DISTRICT))
    assert api.form(f"/admin/accounts/{district.id}/reset").status_code == 404
    assert api.form(f"/admin/accounts/{city.id}/unlock").status_code == 404
    assert api.form(f"/admin/accounts/{director.id}/reset").status_code == 200
