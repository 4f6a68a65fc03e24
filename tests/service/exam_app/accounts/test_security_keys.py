"""Keys of devices: where browsers give them out, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pyotp
import pytest
from sqlalchemy import func, select

from exam_app.application import create_app
from exam_app.core.sealing import seal_of
from exam_app.identity import second, security_keys
from exam_app.identity.models import SecurityKey
from exam_app.identity.security_keys import Site
from exam_app.web.services import services_of
from tests.conftest import Api
from tests.factories import DISTRICT, PASSWORD, VILLAGE
from training_records.errors import NotFound, Refused

SITE = Site("academy.example", "https://academy.example")
ANSWER = {
    "id": "a2V5",
    "rawId": "a2V5",
    "type": "public-key",
    "response": {"clientDataJSON": "e30", "attestationObject": "e30"},
}


@pytest.fixture
def account(world, session, config):
    made = world.account("district", DISTRICT)
    secret = second.begin(session, made, seal_of(config))
    second.confirm(session, made, pyotp.TOTP(secret).now(), seal=seal_of(config))
    session.commit()
    return made


def test_an_answer_to_nothing_is_refused(session, account):
    asked = security_keys.ask_to_make(session, account, SITE)
    assert asked.options["rp"]["id"] == SITE.name and asked.options["challenge"]
    # The key learns neither phone nor number of the account in clear.
    assert account.phone not in str(asked.options)
    with pytest.raises(Refused, match="没有加上"):
        security_keys.make(
            session, account, SITE, challenge=asked.challenge, answer=ANSWER, name="x"
        )
    with pytest.raises(NotFound):
        security_keys.ask_to_sign(session, account.id, SITE)
    assert not security_keys.passes(
        session, account.id, SITE, challenge=asked.challenge, answer=ANSWER
    )


def test_over_http(world, session, config, clean, account):
    app = create_app(replace(config, public_url="https://academy.example"), clean)
    client = app.test_client()
    # Before the password nobody is asked anything.
    assert client.get("/login/key").status_code == 404
    assert client.post("/login/key", json=ANSWER).status_code in (400, 422)
    director = Api(app, world.account("director", VILLAGE).phone, PASSWORD)
    assert director.get("/account/keys/new").status_code == 403
    services_of(app).close()
    plain = create_app(config, clean)
    page = plain.test_client().get("/login/key")
    assert page.status_code == 404
    assert session.scalar(select(func.count()).select_from(SecurityKey)) == 0
    services_of(plain).close()


def test_keys_go_with_the_second_step(session, account):
    session.add(
        SecurityKey(
            credential_id="c", account_id=account.id, public_key="p", name="x", sign_count=0
        )
    )
    session.flush()
    second.switch_off(session, account.id)
    assert session.scalar(select(func.count()).select_from(SecurityKey)) == 0


def test_no_more_than_some(session, account):
    session.add_all(
        SecurityKey(
            credential_id=f"c{n}", account_id=account.id, public_key="p", name="x", sign_count=0
        )
        for n in range(security_keys.MAX_KEYS)
    )
    session.flush()
    with pytest.raises(Refused, match="最多"):
        security_keys.ask_to_make(session, account, SITE)
