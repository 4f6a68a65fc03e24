"""The account page: sign-in sessions, two-step verification, security keys and API tokens."""

from __future__ import annotations

from flask import Blueprint, flash, jsonify, redirect, render_template, request, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.core.sealing import seal_of
from exam_app.identity import second, security_keys, tokens
from exam_app.identity.hashing import verify
from exam_app.identity.models import Account
from exam_app.identity.service import end_sessions, sessions_of, token_hash
from exam_app.web.access import EVERYONE, MANAGERS, access
from training_records.errors import Refused
from training_records.typesetting import qr_svg

own_account = Blueprint("own_account", __name__)


@own_account.get("/account")
@access(EVERYONE)
def index() -> str:
    return _page()


def _page(**context: object) -> str:
    account, database = web.account(), web.db()
    return render_template(
        "accounts/account.html",
        sessions=sessions_of(database, account.id),
        here=token_hash(current_user.id),
        second_on=second.is_on(database, account.id),
        keys=security_keys.keys_of(database, account.id),
        may_keys=security_keys.site_of(web.config().public_url) is not None,
        codes_left=second.codes_left(database, account.id),
        required=web.second_step_required(),
        tokens=tokens.tokens_of(database, account.id) if account.role in MANAGERS else [],
        scopes=tokens.SCOPES,
        may_tokens=account.role in MANAGERS,
        **context,
    )


@own_account.post("/account/sessions")
@access(EVERYONE)
def sign_out_elsewhere() -> Response:
    def verb() -> str:
        keep, handle = token_hash(current_user.id), request.form.get("handle", "")
        number = end_sessions(web.db(), web.account().id, keep, handle=handle)
        web.audit("session.end", f"account:{web.account().id}", {"sessions": number})
        return f"退出了 {number} 处登录。" if number else "别处没有登录。"

    return web.carry_out(verb, url_for("own_account.index"), page=index)


@own_account.get("/account/second-step")
@access(MANAGERS)
@web.writes
def set_up() -> str | Response:
    """Shows the TOTP secret as a QR code for an authenticator app."""
    account = web.own_account()
    if second.is_on(web.db(), account.id):
        return redirect(url_for("own_account.index"))
    secret = second.begin(web.db(), account, seal_of(web.config()))
    web.db().commit()
    return _set_up(account, secret)


def _set_up(account: Account, secret: str, refused: str = "") -> str:
    spaced = " ".join(secret[n : n + 4] for n in range(0, len(secret), 4))
    picture = qr_svg(second.address_of(account, secret))
    return render_template("accounts/second.html", picture=picture, secret=spaced, refused=refused)


@own_account.post("/account/second-step")
@access(MANAGERS)
def switch() -> str | Response | tuple[str, int]:
    """Switches two-step verification on (confirmed by a first code) or off, or renews the recovery codes."""
    account, database = web.own_account(), web.db()
    seal, form = seal_of(web.config()), request.form
    try:
        if "code" in form:
            codes = second.confirm(database, account, form["code"].strip(), seal=seal)
            web.audit("second_step.on", f"account:{account.id}")
            database.commit()
            return render_template("accounts/recovery.html", codes=codes)
        if not verify(account.password_hash, form.get("password", "")):
            raise Refused("密码不对，请再输一次")
        if "renew" in form:
            codes = second.new_recovery_codes(database, account)
            web.audit("second_step.codes", f"account:{account.id}")
            database.commit()
            return render_template("accounts/recovery.html", codes=codes)
        if web.second_step_required():
            raise Refused("您的账号必须用两步登录，不能关。换手机请让上级先关掉，再重新设置")
        second.switch_off(database, account.id)
        web.audit("second_step.off", f"account:{account.id}")
        database.commit()
    except Refused as refused:
        database.rollback()
        if "code" in form:
            secret = second.begin(database, web.own_account(), seal)
            database.commit()
            return _set_up(account, secret, str(refused)), 422
        return _page(refused=str(refused)), 422
    flash("两步登录关掉了。", "good")
    return redirect(url_for("own_account.index"))


@own_account.get("/account/keys/new")
@access(MANAGERS)
def ask_key() -> Response:
    """Returns the WebAuthn registration options and stores their challenge in the session."""
    account = web.account()
    if not second.is_on(web.db(), account.id):
        raise Refused("请先设置两步登录，再加设备")
    prompt = security_keys.ask_to_make(
        web.db(), account, security_keys.need_site(web.config().public_url)
    )
    session["challenge"] = prompt.challenge
    return jsonify(prompt.options)


@own_account.post("/account/keys")
@access(MANAGERS)
def make_key() -> Response | tuple[Response, int]:
    """Registers the security key that the device has created."""
    challenge, sent = session.pop("challenge", ""), request.get_json(silent=True)
    if not isinstance(sent, dict) or not challenge:
        return jsonify(refused="没有加上，请刷新页面再试一次"), 422
    account, answer = web.account(), sent.get("answer")
    try:
        if not second.is_on(web.db(), account.id):
            raise Refused("请先设置两步登录，再加设备")
        name = str(sent.get("name") or "")
        security_keys.make(
            web.db(),
            account,
            security_keys.need_site(web.config().public_url),
            challenge=challenge,
            answer=answer,
            name=name,
        )
    except Refused as refused:
        web.db().rollback()
        return jsonify(refused=str(refused)), 422
    web.audit("security_key.add", f"account:{account.id}")
    web.db().commit()
    flash("加好了。以后在这台设备上登录，不用填验证码。", "good")
    return jsonify(next=url_for("own_account.index"))


@own_account.post("/account/keys/<handle>")
@access(MANAGERS)
def remove_key(handle: str) -> Response:
    def verb() -> str:
        security_keys.remove(web.db(), web.account().id, handle)
        web.audit("security_key.remove", f"account:{web.account().id}")
        return "删掉了，那台设备以后要填验证码。"

    return web.carry_out(verb, url_for("own_account.index"), page=index)


@own_account.post("/account/tokens")
@access(MANAGERS)
def make_token() -> str | tuple[str, int]:
    account, form = web.own_account(), request.form
    try:
        text = tokens.make_token(
            web.db(),
            account,
            form.get("name", ""),
            scope=form.get("scope", ""),
            days=form.get("days", 0, type=int),
        )
    except Refused as refused:
        web.db().rollback()
        return _page(refused=str(refused)), 422
    web.audit("token.make", f"account:{account.id}", {"scope": form.get("scope", "")})
    web.db().commit()
    return _page(token=text)


@own_account.post("/account/tokens/<handle>")
@access(MANAGERS)
def revoke_token(handle: str) -> Response:
    def verb() -> str:
        tokens.revoke(web.db(), web.account().id, handle)
        web.audit("token.revoke", f"account:{web.account().id}")
        return "令牌删掉了，用它的脚本马上不能再用。"

    return web.carry_out(verb, url_for("own_account.index"), page=index)
