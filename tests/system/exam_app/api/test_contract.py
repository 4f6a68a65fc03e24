"""The whole API against its own description, as each role: hostile and odd requests bring no 500 and no answer that is not
described."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from tests.factories import CITY, DISTRICT, TOWN, VILLAGE, begin

PLACES = {
    "director": VILLAGE,
    "supervisor": TOWN,
    "district": DISTRICT,
    "city": CITY,
    "operator": CITY,
}
EXAMPLES = 25
schemathesis.checks.load_all_checks()
# Without those that take every well-formed request for one that has to succeed: a role may be refused.
CHECKS = [
    schemathesis.checks.CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
    )
]


@pytest.mark.parametrize("role", [*PLACES, None])
def test_no_surprise_for_any_role(app, world, session, sign_in, role):
    headers, cookies = {}, {}
    exam = world.exam()
    person = world.person(VILLAGE)
    world.entry(person)
    if role:
        api = sign_in(world.account(role, PLACES[role]))
        headers = dict(api.headers)
        cookies = {"session": api.client.get_cookie("session").value}
    if role == "director":
        begin(session, exam, person)
    session.commit()
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    tried = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path.endswith("/login"):
            # Would sign the role out; its own bad input is in the tests of accounts.
            continue

        @given(case=operation.as_strategy())
        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            deadline=None,
            database=None,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(HealthCheck),
        )
        def attempt(case):
            nonlocal tried
            tried += 1
            own = {**(case.headers or {}), **headers, "Accept-Encoding": "identity"}
            answer = case.call(headers=own, cookies=cookies)
            case.validate_response(answer, checks=CHECKS)
            assert answer.status_code < 500

        attempt()
    assert tried >= 100
