"""What monitoring sees: by endpoint and never by person; who may ask; all workers together."""

from __future__ import annotations

from dataclasses import replace

from exam_app.application import create_app
from exam_app.web.services import services_of
from tests.factories import DISTRICT

TOKEN = {"Authorization": "Bearer watch-2026"}


def test_by_endpoint_and_never_by_person(app, world, sign_in):
    office = sign_in(world.account("district", DISTRICT))
    person = world.person()
    office.get(f"/archive/{person.id}")
    office.get("/no-such-page")
    told = app.test_client().get("/metrics").text
    assert 'academy_requests_total{endpoint="archive.person",method="GET",status="200"}' in told
    assert 'endpoint="none",method="GET",status="404"' in told
    assert "academy_request_seconds_bucket" in told
    assert "academy_attempts_in_progress 0.0" in told
    assert 'academy_jobs{state="failed"} 0.0' in told
    assert f"/archive/{person.id}" not in told and person.phone not in told


def test_only_on_the_machine_itself_or_with_the_token(config, clean):
    app = create_app(replace(config, metrics_token="watch-2026"), clean)
    client = app.test_client()
    assert client.get("/metrics").status_code == 200
    # What a proxy hands on comes from elsewhere, whatever it says.
    for headers in ({"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1"}):
        assert client.get("/metrics", headers=headers).status_code == 404
        assert client.get("/metrics", headers={**headers, **TOKEN}).status_code == 200
    far = {"REMOTE_ADDR": "10.1.2.3"}
    assert client.get("/metrics", environ_base=far).status_code == 404
    wrong = {"Authorization": "Bearer 错"}
    assert client.get("/metrics", environ_base=far, headers=wrong).status_code == 404
    assert client.get("/metrics", environ_base=far, headers=TOKEN).status_code == 200
    services_of(app).close()
    bare = create_app(config, clean)
    empty = {"Authorization": "Bearer "}
    answer = bare.test_client().get("/metrics", environ_base=far, headers=empty)
    assert answer.status_code == 404
    services_of(bare).close()


def test_addresses_behind_proxies(config, clean):
    """Only as many hops are believed as were laid down."""
    seen = {"X-Forwarded-For": "6.6.6.6, 10.9.9.9", "X-Forwarded-Proto": "https"}
    for hops, address in ((0, "127.0.0.1"), (1, "10.9.9.9"), (2, "6.6.6.6")):
        app = create_app(replace(config, trusted_proxies=hops), clean)
        found = []

        @app.before_request
        def _note(found=found):
            from flask import request

            found.append(request.remote_addr)

        app.test_client().get("/healthz", headers=seen)
        assert found == [address]
        services_of(app).close()
