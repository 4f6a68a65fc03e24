"""Sign-in through an external identity provider (OpenID Connect), for existing accounts only.

The provider authenticates the phone number; role and scope come from the account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask, flash, redirect, request, session, url_for
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.accounts.views import ask_code
from exam_app.audit.service import record
from exam_app.identity import second
from exam_app.identity.models import Account
from exam_app.identity.service import find_account, open_session
from exam_app.web.access import PUBLIC, access
from exam_app.web.sign_in import device, remember
from training_records.errors import NotFound
from training_records.ledger.values import phone as parse_phone

if TYPE_CHECKING:
    from authlib.integrations.flask_client import OAuth

oidc = Blueprint("oidc", __name__)


def make_oidc(app: Flask) -> OAuth | None:
    """The configured provider; None without one."""
    config = app.config["ACADEMY"]
    if not config.oidc_issuer:
        return None
    # Loaded where it is needed: most installations have no provider.
    from authlib.integrations.flask_client import OAuth

    oauth = OAuth(app)
    oauth.register(
        "oidc",
        client_id=config.oidc_client_id,
        client_secret=config.oidc_client_secret or None,
        server_metadata_url=f"{config.oidc_issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid profile phone",
            "code_challenge_method": "S256",
            "timeout": 10,
        },
    )
    return oauth


def _client() -> Any:
    oauth = web.services().oidc
    if oauth is None:
        raise NotFound("没有设置统一身份认证")
    return oauth.oidc


@oidc.get("/login/oidc")
@access(PUBLIC)
def begin() -> Response:
    """Redirects to the provider. Authlib stores state, nonce and code verifier in the session."""
    callback = web.config().public_url + url_for("oidc.back")
    session["oidc_next"] = web.safe_next(request.args.get("next"))
    try:
        response: Response = _client().authorize_redirect(callback)
    except _raised_by_libraries():
        return _failed("统一身份认证现在连不上，请过一会儿再试，或用手机号和密码登录")
    return response


@oidc.get("/login/oidc/back")
@access(PUBLIC)
@web.writes
def back() -> Response:
    """The provider's callback: signs in the account with the verified phone number, if there is one."""
    try:
        token = _client().authorize_access_token()
    except _raised_by_libraries(ValueError, KeyError):
        return _failed("统一身份认证没有通过，请重新登录")
    claims = token.get("userinfo") or {}
    if claims.get(web.config().oidc_claim + "_verified") is False:
        return _failed("统一身份认证里的手机号还没有核实，不能登录")
    account = _account(str(claims.get(web.config().oidc_claim, "")))
    if account is None:
        return _failed("统一身份认证通过了，但这里没有您的账号。请联系区（市）民政部门开通")
    target = session.pop("oidc_next", url_for("home.index"))
    if second.is_on(web.db(), account.id):
        return ask_code(account.id, target)
    opened = open_session(web.db(), account, device())
    # The provider has authenticated the account, so no local password is needed.
    account.must_change_password = False
    record(web.db(), f"account:{account.id}", "account.oidc", subject=f"account:{account.id}")
    web.db().commit()
    remember(account, opened)
    return redirect(target)


def _raised_by_libraries(*more: type[Exception]) -> tuple[type[Exception], ...]:
    """What is raised when the provider doesn't answer, or not as it should."""
    from authlib.common.errors import AuthlibBaseError
    from joserfc.errors import JoseError
    from requests import RequestException

    return (AuthlibBaseError, JoseError, RequestException, *more)


def _account(claim: str) -> Account | None:
    try:
        phone = parse_phone(claim.replace(" ", "").replace("-", "").removeprefix("+86"))
    except ValueError:
        return None
    return find_account(web.db(), phone)


def _failed(text: str) -> Response:
    web.db().rollback()
    flash(text, "bad")
    return redirect(url_for("accounts.login"))
