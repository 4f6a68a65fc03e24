"""The second step, sessions and tokens: what holds once, what is refused, who may take what away."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import select, update
from structlog.testing import capture_logs

from exam_app.application import create_app
from exam_app.core.sealing import seal_of
from exam_app.identity import second, tokens
from exam_app.identity.models import ApiToken, LoginSession, RecoveryCode, SecondStep
from exam_app.identity.service import Device, enter_code
from exam_app.web.services import services_of
from tests.factories import CITY, DISTRICT, PASSWORD, log_in, token
from training_records.database import now
from training_records.errors import NotFound, Refused

HERE = Device("test", "127.0.0.1")


@pytest.fixture
def account(world):
    return world.account("district", DISTRICT)


@pytest.fixture
def seal(config):
    return seal_of(config)


@pytest.fixture
def secret(session, account, seal):
    """The second step of the account, switched on a while ago."""
    made = second.begin(session, account, seal)
    second.confirm(session, account, pyotp.TOTP(made).now(), seal=seal)
    session.execute(update(SecondStep).values(last_step=0))
    session.commit()
    return made


def code_of(secret, seconds=0):
    return pyotp.TOTP(secret).at(now() + timedelta(seconds=seconds))


def second_page(app, account, password=PASSWORD):
    client = app.test_client()
    answer = log_in(client, account.phone, password)
    return client, answer


def enter(client, text):
    page = client.get("/login/code")
    return client.post("/login/code", data={"csrf_token": token(page), "code": text})


def test_from_the_qr_code_to_the_next_sign_in(app, session, sign_in, account):
    office = sign_in(account)
    page = office.get("/account/second-step").text
    secret = re.search(r'class="num">([A-Z2-7 ]+)<', page)[1].replace(" ", "")
    assert "<svg" in page and office.get("/account/second-step").text.count(secret[:4]) >= 1
    wrong = office.form("/account/second-step", code="000000")
    assert wrong.status_code == 422 and "验证码不对" in wrong.text
    shown = office.form("/account/second-step", code=code_of(secret)).text
    codes = re.findall(r"<strong>([A-Z0-9]{5}-[A-Z0-9]{5})</strong>", shown)
    assert len(set(codes)) == 10
    # The secret is sealed in the database, the codes are hashes.
    assert secret not in str(session.scalars(select(SecondStep.secret)).all())
    assert codes[0] not in str(session.scalars(select(RecoveryCode.digest)).all())
    session.commit()

    client, answer = second_page(app, account)
    assert answer.location.startswith("/login/code")
    assert client.get("/coverage").location.startswith("/login")
    # The code that switched it on does not hold again, a later one does, once.
    assert enter(client, code_of(secret)).status_code == 422
    assert enter(client, code_of(secret, 30)).location == "/"
    assert client.get("/coverage").status_code == 200
    other, _ = second_page(app, account)
    assert enter(other, code_of(secret, 30)).status_code == 422
    assert enter(other, codes[0].lower()).location == "/"
    third, _ = second_page(app, account)
    assert enter(third, codes[0]).status_code == 422
    assert "还剩 9 个" in other.get("/account").text


def test_wrong_codes_are_slowed_down(app, account, secret):
    client, _ = second_page(app, account)
    for _ in range(5):
        assert enter(client, "000000").status_code == 422
    assert "请等" in enter(client, code_of(secret)).text


def test_the_step_between_lasts_five_minutes(app, account, secret):
    client, _ = second_page(app, account)
    with client.session_transaction() as kept:
        kept["second"] = [account.id, int(now().timestamp()) - 301]
    assert client.get("/login/code").location == "/login"
    fresh = app.test_client()
    assert fresh.get("/login/code").location == "/login"


def test_a_wrong_password_never_gets_to_the_code(app, account, secret):
    assert second_page(app, account, "wrong-password-1")[1].status_code == 422


def test_over_the_api(app, account, secret):
    client = app.test_client()
    body = {"phone": account.phone, "password": PASSWORD}
    answer = client.post("/api/v1/login", json=body)
    assert answer.status_code == 401 and answer.json["second_step"] is True
    assert client.post("/api/v1/login", json={**body, "code": "000000"}).status_code == 401
    done = client.post("/api/v1/login", json={**body, "code": code_of(secret)})
    assert done.status_code == 200 and done.json["user"]["role"] == "district"


def test_a_code_holds_once_also_for_two_at_the_same_moment(session, account, secret, seal):
    code = code_of(secret)
    enter_code(session, account.id, code, seal=seal, device=HERE)
    with pytest.raises(Refused):
        enter_code(session, account.id, code, seal=seal, device=HERE)
    session.commit()


def test_offices_have_to_have_it_where_it_is_required(clean, config, world, sign_in):
    app = create_app(replace(config, second_step="required"), clean)
    account = world.account("city", CITY)
    client, answer = second_page(app, account)
    assert answer.location == "/" and client.get("/").location == "/account/second-step"
    assert client.get("/api/v1/coverage").status_code == 403
    page = client.get("/account/second-step")
    secret = re.search(r'class="num">([A-Z2-7 ]+)<', page.text)[1].replace(" ", "")
    data = {"csrf_token": token(page), "code": code_of(secret)}
    assert "备用码" in client.post("/account/second-step", data=data).text
    assert client.get("/").status_code == 200
    data = {"csrf_token": token(client.get("/account")), "password": PASSWORD, "off": "1"}
    assert "不能关" in client.post("/account/second-step", data=data).text
    director, _ = second_page(app, world.account("director"))
    assert director.get("/").status_code == 200
    services_of(app).close()


def test_switching_off_and_new_recovery_codes_need_the_password(sign_in, session, account):
    office = sign_in(account)
    made = second.begin(session, account, seal_of(office.client.application.config["ACADEMY"]))
    seal = seal_of(office.client.application.config["ACADEMY"])
    second.confirm(session, account, code_of(made), seal=seal)
    session.commit()
    assert office.form("/account/second-step", password="x", off="1").status_code == 422
    shown = office.form("/account/second-step", password=PASSWORD, renew="1").text
    assert len(re.findall(r"<strong>[A-Z0-9]{5}-", shown)) == 10
    assert office.form("/account/second-step", password=PASSWORD, off="1").status_code == 302
    assert session.scalars(select(SecondStep)).all() == []
    session.commit()


def test_those_above_switch_it_off_for_a_lost_phone(sign_in, world, session, account, secret):
    city = sign_in(world.account("city", CITY))
    assert "关掉两步登录" in city.get(f"/admin?q={account.phone}").text
    other = sign_in(world.account("district", "370281000000"))
    assert other.form(f"/admin/accounts/{account.id}/second-step").status_code == 404
    city.form(f"/admin/accounts/{account.id}/second-step")
    assert session.scalars(select(SecondStep)).all() == []
    session.commit()
    assert sign_in(account).get("/").status_code == 200


def test_where_one_is_signed_in(app, session, account):
    clients = []
    for agent in (
        "Mozilla/5.0 (Linux; Android 14) MicroMessenger/8.0",
        "Mozilla/5.0 (Windows NT 10.0) Chrome/130.0 Safari/537.36",
        "",
    ):
        client = app.test_client()
        client.environ_base["HTTP_USER_AGENT"] = agent
        log_in(client, account.phone, PASSWORD)
        clients.append(client)
    page = clients[0].get("/account")
    for words in ("安卓手机 微信", "Windows 电脑 Chrome", "别的程序", "就是这里", "127.0.0.1"):
        assert words in page.text, words
    handle = re.findall(r'name="handle" value="(\w+)"', page.text)[0]
    clients[0].post("/account/sessions", data={"csrf_token": token(page), "handle": handle})
    assert len(session.scalars(select(LoginSession)).all()) == 2
    session.commit()
    for odd in ("", "%", "a", "_" * 16):
        if odd:
            data = {"csrf_token": token(page), "handle": odd}
            assert clients[0].post("/account/sessions", data=data).status_code == 404
    clients[0].post("/account/sessions", data={"csrf_token": token(page)})
    assert clients[0].get("/").status_code == 200
    assert [c.get("/").status_code for c in clients[1:]] == [302, 302]


def test_tokens_for_scripts(app, session, sign_in, account, world):
    office = sign_in(account)
    told = {"name": "统计脚本", "scope": "read", "days": "30"}
    page = office.form("/account/tokens", **told).text
    text = re.search(r"acad_[\w-]{40,}", page)[0]
    assert text not in str(session.scalars(select(ApiToken.digest)).all())
    session.commit()
    script, header = app.test_client(), {"Authorization": f"Bearer {text}"}
    assert script.get("/api/v1/coverage", headers=header).status_code == 200
    assert script.get("/coverage", headers=header).status_code == 302
    assert script.post("/api/v1/exams/1/attempts", headers=header).status_code == 403
    assert script.get("/api/v1/coverage", headers={"Authorization": "Bearer x"}).status_code == 401
    assert script.get("/api/v1/coverage", headers={"Authorization": text}).status_code == 401
    # One that may write reaches the view without a CSRF token; without either nobody does.
    page = office.form("/account/tokens", **{**told, "scope": "write"}).text
    made = re.search(r"acad_[\w-]{40,}", page)[0]
    writing = {"Authorization": f"Bearer {made}"}
    assert "这个令牌只能读" not in script.post("/api/v1/exams/1/attempts", headers=writing).text
    assert "页面放得太久" not in script.post("/api/v1/exams/1/attempts", headers=writing).text
    assert "页面放得太久" in script.post("/api/v1/exams/1/attempts").text
    for odd in ({"days": "0"}, {"days": "366"}, {"scope": "all"}, {"name": " "}):
        assert office.form("/account/tokens", **{**told, **odd}).status_code == 422
    session.execute(update(ApiToken).where(ApiToken.scope == "write").values(expires_at=now()))
    session.commit()
    assert script.get("/api/v1/coverage", headers=writing).status_code == 401
    handle = session.scalars(select(ApiToken.digest).where(ApiToken.scope == "read")).one()[:16]
    session.commit()
    other = sign_in(world.account("district", DISTRICT))
    assert other.form(f"/account/tokens/{handle}").status_code == 404
    office.form(f"/account/tokens/{handle}")
    assert script.get("/api/v1/coverage", headers=header).status_code == 401
    with pytest.raises(NotFound):
        tokens.revoke(session, account.id, "")
    session.rollback()
    assert sign_in(world.account("director")).form("/account/tokens", **told).status_code == 403


def test_an_office_that_was_away_signs_in_again(app, account, world, clock):
    client, phone, begun = app.test_client(), app.test_client(), clock.at
    log_in(client, account.phone, PASSWORD)
    log_in(phone, world.account("director").phone, PASSWORD)
    for later, there, on_phone in (
        (3600, 200, 200),
        (3600 + 7000, 200, 200),
        (10600 + 7300, 302, 200),
    ):
        clock.at = begun + timedelta(seconds=later)
        assert client.get("/").status_code == there, later
        assert phone.get("/").status_code == on_phone
    # Used again and again it stays.


def test_behind_tls_the_cookie_is_bound_to_the_host(clean, config, account):
    app = create_app(replace(config, public_url="https://academy.example"), clean)
    client = app.test_client()
    page = client.get("/login", base_url="https://localhost")
    told = page.headers["Set-Cookie"]
    assert told.startswith("__Host-session=") and "Secure" in told and "HttpOnly" in told
    assert "Path=/" in told and "Domain" not in told and "SameSite=Lax" in told
    assert "max-age=31536000; includeSubDomains" in page.headers["Strict-Transport-Security"]
    services_of(app).close()


def test_who_signs_in_and_who_does_not_is_in_the_log_without_names(app, account, secret):
    with capture_logs() as events:
        second_page(app, account, "wrong-password-1")
        client, _ = second_page(app, account)
        enter(client, "000000")
        enter(client, code_of(secret))
        log_in(app.test_client(), "13700000000", "x" * 9)
    told = [(e["outcome"], e.get("account")) for e in events if e["event"] == "sign_in"]
    assert told == [
        ("wrong_password", account.id),
        ("code_needed", account.id),
        ("wrong_code", account.id),
        ("ok", account.id),
        ("wrong_password", None),
    ]
    assert account.phone not in str(events) and account.name not in str(events)
