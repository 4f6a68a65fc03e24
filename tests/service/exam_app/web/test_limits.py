"""How often: by account or by address, told in Chinese with the seconds to wait; also over several processes, by Redis."""

from __future__ import annotations

from dataclasses import replace

from exam_app.application import create_app
from exam_app.web.limits import GROUPS, RATES
from exam_app.web.services import services_of
from harness.postgres import free_port
from tests.factories import DISTRICT


def test_every_endpoint_that_is_named_exists(app):
    assert set(GROUPS) <= set(app.view_functions) and set(GROUPS.values()) == set(RATES)


def test_numbers_of_certificates_can_t_be_tried_out(app):
    client = app.test_client()
    found = [client.get(f"/verify/QD2026-AAAA-AAAA-{n:04d}").status_code for n in range(31)]
    assert found == [404] * 30 + [429]
    told = client.get("/verify/QD2026-AAAA-AAAA-0001")
    assert "问得太多了" in told.text and 0 < int(told.headers["Retry-After"]) <= 60
    # Somebody at another address is not held up, nor is anything else.
    far = {"REMOTE_ADDR": "10.1.2.3"}
    assert client.get("/verify/QD2026-AAAA-AAAA-0001", environ_base=far).status_code == 404
    assert client.get("/login").status_code == 200


def test_files_by_account(app, world, sign_in):
    world.person()
    office, other = (sign_in(world.account("district", DISTRICT)) for _ in range(2))
    found = [office.get("/ledger/export.xlsx").status_code for _ in range(41)]
    assert found == [200] * 40 + [429]
    assert other.get("/ledger/export.xlsx").status_code == 200


def test_without_redis_nobody_is_held_up(clean, config):
    app = create_app(replace(config, redis_url=f"redis://127.0.0.1:{free_port()}/0"), clean)
    assert app.test_client().get("/verify/QD2026-AAAA-AAAA-0001").status_code == 404
    services_of(app).close()
