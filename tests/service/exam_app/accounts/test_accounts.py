from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from exam_app.accounts.claims import claim, make_slips
from exam_app.identity import service
from exam_app.identity.models import Account, Activation, LoginSession, Throttle
from exam_app.identity.service import SignInRefused, create_account, sign_in
from tests.factories import DISTRICT, PASSWORD, VILLAGE, log_in, today, token


def test_first_sign_in_must_change_the_password(app, session, world):
    account, initial = create_account(
        session, "13912345678", "王秀兰", role="district", division_code=DISTRICT
    )
    session.commit()
    client = app.test_client()
    assert log_in(client, account.phone, initial).location == "/password"
    assert client.get("/coverage").location == "/password"
    page = client.get("/password")
    changed = client.post(
        "/password",
        data={
            "csrf_token": token(page),
            "old": initial,
            "new": "blue-river-42",
            "again": "blue-river-42",
        },
    )
    assert changed.location == "/"
    assert client.get("/coverage").status_code == 200
    assert log_in(app.test_client(), account.phone, initial).status_code == 422


def test_sign_out_kills_the_session_on_the_server(app, world):
    account = world.account("district", DISTRICT)
    client = app.test_client()
    log_in(client, account.phone, PASSWORD)
    stolen = client.get_cookie("session").value
    client.post("/logout", data={"csrf_token": token(client.get("/"))})
    thief = app.test_client()
    thief.set_cookie("session", stolen)
    assert thief.get("/").location.startswith("/login")


def test_the_session_id_is_renewed_at_sign_in(app, session, world):
    account = world.account("district", DISTRICT)
    for _ in range(2):
        log_in(app.test_client(), account.phone, PASSWORD)
    assert len(set(session.scalars(select(LoginSession.token_hash)))) == 2


def test_the_answer_is_the_same_whether_the_phone_exists(app, world):
    account = world.account("district", DISTRICT)
    texts = {
        re.sub(
            r"\s+",
            "",
            re.search(
                r'role="alert">(.*?)</div>',
                log_in(app.test_client(), phone, "wrong-one").text,
                re.S,
            )[1],
        )
        for phone in (account.phone, "13700000000")
    }
    assert len(texts) == 1


def attempt(session, phone, password, address="1.1.1.1"):
    """A try as the view makes it: remembered, whatever comes of it."""
    try:
        return sign_in(session, phone, password, device=service.Device("", address))
    finally:
        session.commit()


def test_five_failures_bring_a_growing_delay(session, world, clock):
    account = world.account("district", DISTRICT)
    for _ in range(5):
        with pytest.raises(SignInRefused, match="不对"):
            attempt(session, account.phone, "wrong")
    with pytest.raises(SignInRefused, match=r"3[01] 秒"):
        attempt(session, account.phone, PASSWORD, "2.2.2.2")
    clock.at += timedelta(seconds=31)
    with pytest.raises(SignInRefused, match="不对"):
        attempt(session, account.phone, "wrong")
    throttle = session.get(Throttle, f"phone:{account.phone}")
    assert throttle.blocked_until - clock.at == timedelta(seconds=60)
    clock.at += timedelta(seconds=61)
    assert attempt(session, account.phone, PASSWORD)[0].id == account.id
    assert session.get(Throttle, f"phone:{account.phone}") is None


def test_open_redirects_are_refused(app, world):
    account = world.account("district", DISTRICT)
    # Browsers leave tabs and line ends out of an address.
    tricks = ("/%09/evil.example", "/%0D/evil.example", "/%0A/evil.example/archive")
    for target in ("https://evil.example/", "//evil.example", "/\\evil.example", *tricks):
        client = app.test_client()
        page = client.get("/login")
        answer = client.post(
            f"/login?next={target}",
            data={"csrf_token": token(page), "phone": account.phone, "password": PASSWORD},
        )
        assert answer.location == "/"


def test_state_changes_need_the_csrf_token(app, world):
    account = world.account("director", VILLAGE)
    client = app.test_client()
    log_in(client, account.phone, PASSWORD)
    assert client.post("/logout").status_code == 400
    assert client.post("/api/v1/exams/1/attempts", json={}).status_code == 400


def test_what_is_refused_for_its_token_stands_under_its_own_number_in_the_log(
    app, world, sign_in, capsys
):
    api = sign_in(world.account("district", DISTRICT))
    before = api.get("/bank")
    refused = app.test_client().post("/visits/sync")
    assert refused.status_code == 400
    lines = [json.loads(text) for text in capsys.readouterr().err.splitlines() if text[:1] == "{"]
    served, line = [told for told in lines if told["event"] == "request"][-2:]
    assert "account" in served and served["request_id"] == before.headers["X-Request-ID"]
    assert (line["endpoint"], line["status"]) == ("work.sync", 400)
    assert "account" not in line and line["ms"] > 0
    assert line["request_id"] == refused.headers["X-Request-ID"] != served["request_id"]
    assert line["request_id"] in refused.text


def test_a_person_opens_the_account_with_the_code_on_paper(world, session, app, sign_in):
    office = sign_in(world.account("district", DISTRICT))
    person = world.person(name="王秀兰", phone="13700000001")
    session.commit()
    made = office.form("/accounts/slips", division=DISTRICT)
    assert made.status_code == 200 and made.data.startswith(b"%PDF")
    config = app.config["ACADEMY"]
    day = today()
    (old,) = make_slips(session, DISTRICT, day, key=config.secret_key, by="test")
    (slip,) = make_slips(session, DISTRICT, day, key=config.secret_key, by="test")
    session.commit()
    assert slip.code not in repr(session.execute(select(Activation.code_digest)).all())
    session.commit()
    client = app.test_client()

    def fill(**change):
        mark = token(client.get("/claim"))
        values = {
            "phone": person.phone,
            "code": slip.code.lower(),
            "new": "three-green-apples",
            "again": "three-green-apples",
        }
        return client.post("/claim", data={**values, "csrf_token": mark, **change})

    for change, reason in (
        ({"code": old.code}, "开通码不对"),
        ({"phone": "13700000002"}, "开通码不对"),
        ({"again": "other"}, "不一样"),
        ({"new": "12345678", "again": "12345678"}, "太常见"),
    ):
        answer = fill(**change)
        assert reason in answer.text, change
    done = fill()
    assert done.status_code == 302, done.text
    assert client.get("/archive").status_code == 200
    account = session.scalars(select(Account).where(Account.person_id == person.id)).one()
    assert not account.must_change_password and account.role == "director"
    session.commit()
    again = app.test_client()
    mark = token(again.get("/claim"))
    values = {"phone": person.phone, "code": slip.code, "new": "a-b-c-d-9", "again": "a-b-c-d-9"}
    assert "开通码不对" in again.post("/claim", data={**values, "csrf_token": mark}).text


def test_codes_can_t_be_guessed_on(world, session, app, sign_in):
    world.person(phone="13700000001")
    key, day = "k", today()
    make_slips(session, DISTRICT, day, key=key, by="test")
    said = []
    for _ in range(7):
        with pytest.raises(SignInRefused) as refused:
            claim(
                session,
                "13700000001",
                "AAAA-AAAA",
                password="three-green-apples",
                address="a",
                key=key,
                today=day,
            )
        said.append(str(refused.value))
    assert "请等" in said[-1] and "请等" not in said[0]
