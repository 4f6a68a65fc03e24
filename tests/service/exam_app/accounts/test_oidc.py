"""Signing in through an identity provider that runs here: what it vouches for, and what is not taken from it."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import pyotp
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from exam_app.application import create_app
from exam_app.config import ConfigError, load_config
from exam_app.core.sealing import seal_of
from exam_app.identity import second
from exam_app.web.services import services_of
from tests.factories import DISTRICT

CLIENT = "academy"


class Provider:
    """A small OpenID provider on loopback: whoever comes is the person in `claims`."""

    def __init__(self):
        self.key, self.other = (RSAKey.generate_key(2048, {"kid": k}) for k in ("one", "two"))
        self.claims, self.signing, self.issued, self.over = {}, self.key, {}, {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments):
                pass

            def tell(self, body, status=200):
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self):
                path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
                if path == "/.well-known/openid-configuration":
                    self.tell(provider.metadata())
                elif path == "/jwks":
                    self.tell({"keys": [provider.key.as_dict(private=False)]})
                elif path == "/authorize":
                    code = f"code-{len(provider.issued)}"
                    provider.issued[code] = {k: v[0] for k, v in query.items()}
                    back = urlencode({"code": code, "state": query["state"][0]})
                    self.send_response(302)
                    self.send_header("Location", f"{query['redirect_uri'][0]}?{back}")
                    self.end_headers()

            def do_POST(self):
                length = int(self.headers["Content-Length"])
                told = {k: v[0] for k, v in parse_qs(self.rfile.read(length).decode()).items()}
                asked = provider.issued.pop(told["code"], None)
                if asked is None or "code_verifier" not in told:
                    self.tell({"error": "invalid_grant"}, 400)
                    return
                self.tell(provider.tokens(asked))

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def metadata(self):
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def tokens(self, asked):
        at = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "1",
            "iat": at,
            "exp": at + 300,
            "nonce": asked["nonce"],
            **self.claims,
            **self.over,
        }
        header = {"alg": "RS256", "kid": "one"}
        return {
            "access_token": "x",
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": jwt.encode(header, claims, self.signing),
        }


@pytest.fixture
def provider():
    made = Provider()
    yield made
    made.server.shutdown()


@pytest.fixture
def app(clean, config, provider):
    made = create_app(
        replace(
            config,
            oidc_issuer=provider.issuer,
            oidc_client_id=CLIENT,
            oidc_client_secret="s",
            public_url="http://localhost",
        ),
        clean,
    )
    yield made
    services_of(made).close()


@pytest.fixture
def account(world):
    return world.account("district", DISTRICT, must_change_password=True)


def through(client, path="/login/oidc"):
    """To the provider and back, as a browser goes; the last answer."""
    import requests

    away = client.get(path)
    if not away.location.startswith("http://127"):
        return away
    back = requests.get(away.location, allow_redirects=False, timeout=5).headers["Location"]
    parts = urlsplit(back)
    return client.get(f"{parts.path}?{parts.query}")


def test_whoever_it_vouches_for_is_signed_in(app, provider, account):
    provider.claims = {"phone_number": f"+86 {account.phone}"}
    client = app.test_client()
    assert "用统一身份认证登录" in client.get("/login").text
    assert through(client, "/login/oidc?next=/coverage").location == "/coverage"
    assert client.get("/coverage").status_code == 200
    assert through(app.test_client(), "/login/oidc?next=https://evil.example").location == "/"


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"phone_number": "13700000000"}, "这里没有您的账号"),
        ({}, "这里没有您的账号"),
        ({"phone_number": "x' OR 1=1"}, "这里没有您的账号"),
        ({"phone_number": "PHONE", "phone_number_verified": False}, "还没有核实"),
    ],
)
def test_who_is_not_let_in(app, provider, account, claims, words):
    provider.claims = {k: account.phone if v == "PHONE" else v for k, v in claims.items()}
    client = app.test_client()
    assert through(client).location == "/login"
    assert words in client.get("/login").text
    assert client.get("/coverage").status_code == 302


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "somebody-else"},
        {"iss": "https://evil.example"},
        {"nonce": "another"},
        {"exp": 1},
        "signature",
    ],
)
def test_a_token_that_does_not_hold(app, provider, account, change):
    provider.claims = {"phone_number": account.phone}
    if change == "signature":
        provider.signing = provider.other
    else:
        provider.over = change
    client = app.test_client()
    assert through(client).location == "/login"
    assert "没有通过" in client.get("/login").text
    assert client.get("/coverage").status_code == 302


def test_an_answer_that_was_not_asked_for(app, provider, account):
    provider.claims = {"phone_number": account.phone}
    client = app.test_client()
    for query in ("", "?code=x&state=y", "?error=access_denied"):
        assert client.get(f"/login/oidc/back{query}").location == "/login"
    first, other = app.test_client(), app.test_client()
    import requests

    away = first.get("/login/oidc").location
    back = urlsplit(requests.get(away, allow_redirects=False, timeout=5).headers["Location"])
    # A link to the answer, sent to somebody else, does not sign them in.
    assert other.get(f"{back.path}?{back.query}").location == "/login"
    assert first.get(f"{back.path}?{back.query}").location == "/"


def test_the_second_step_is_still_asked_for(app, provider, account, session):
    seal = seal_of(app.config["ACADEMY"])
    secret = second.begin(session, account, seal)
    second.confirm(session, account, pyotp.TOTP(secret).now(), seal=seal)
    session.commit()
    provider.claims = {"phone_number": account.phone}
    client = app.test_client()
    assert through(client).location.startswith("/login/code")
    assert client.get("/coverage").status_code == 302


def test_the_provider_is_down(app, provider, account):
    provider.server.shutdown()
    provider.server.server_close()
    client = app.test_client()
    assert client.get("/login/oidc").location == "/login"
    assert "连不上" in client.get("/login").text


def test_without_a_provider_there_is_nothing(clean, config):
    app = create_app(config, clean)
    client = app.test_client()
    assert "统一身份认证" not in client.get("/login").text
    assert client.get("/login/oidc").status_code == 404
    services_of(app).close()
    environ = {
        "ACADEMY_ENV": "production",
        "ACADEMY_SECRET_KEY": "x" * 40,
        "ACADEMY_OIDC_ISSUER": "http://plain.example",
    }
    with pytest.raises(ConfigError, match="https"):
        load_config(environ)
