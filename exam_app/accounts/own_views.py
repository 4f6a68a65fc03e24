"""The account page: where one is signed in, the second step, tokens for scripts."""

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


def _page(**more: object) -> str:
    own, database = web.account(), web.db()
    return render_template(
        "accounts/account.html",
        sessions=sessions_of(database, own.id),
        here=token_hash(current_user.id),
        second_on=second.is_on(database, own.id),
        keys=security_keys.keys_of(database, own.id),
        may_keys=security_keys.site_of(web.config().public_url) is not None,
        codes_left=second.codes_left(database, own.id),
        required=web.second_step_required(),
        tokens=tokens.tokens_of(database, own.id) if own.role in MANAGERS else [],
        scopes=tokens.SCOPES,
        may_tokens=own.role in MANAGERS,
        **more,
    )


@own_account.post("/account/sessions")
@access(EVERYONE)
def sign_out_elsewhere() -> Response:
    def verb() -> str:
        keep, handle = token_hash(current_user.id), request.form.get("handle", "")
        number = end_sessions(web.db(), web.account().id, keep, handle)
        web.audit("session.end", f"account:{web.account().id}", {"sessions": number})
        return f"退出了 {number} 处登录。" if number else "别处没有登录。"

    return web.try_to(verb, url_for("own_account.index"))


@own_account.get("/account/second-step")
@access(MANAGERS)
@web.writes
def set_up() -> str | Response:
    """The QR code to take up with an authenticator."""
    own = web.own_account()
    if second.is_on(web.db(), own.id):
        return redirect(url_for("own_account.index"))
    secret = second.begin(web.db(), own, seal_of(web.config()))
    web.db().commit()
    return _set_up(own, secret)


def _set_up(own: Account, secret: str, refused: str = "") -> str:
    spaced = " ".join(secret[n : n + 4] for n in range(0, len(secret), 4))
    picture = qr_svg(second.address_of(own, secret))
    return render_template("accounts/second.html", picture=picture, secret=spaced, refused=refused)


@own_account.post("/account/second-step")
@access(MANAGERS)
def switch() -> str | Response | tuple[str, int]:
    """Switches the second step on with a first code, makes new recovery codes, or switches it off."""
    own, database = web.own_account(), web.db()
    seal, form = seal_of(web.config()), request.form
    try:
        if "code" in form:
            made = second.confirm(database, own, form["code"].strip(), seal)
            web.audit("second_step.on", f"account:{own.id}")
            database.commit()
            return render_template("accounts/recovery.html", codes=made)
        if not verify(own.password_hash, form.get("password", "")):
            raise Refused("密码不对,请再输一次")
        if "renew" in form:
            made = second.new_recovery_codes(database, own)
            web.audit("second_step.codes", f"account:{own.id}")
            database.commit()
            return render_template("accounts/recovery.html", codes=made)
        if web.second_step_required():
            raise Refused("您的账号必须用两步登录,不能关。换手机请让上级先关掉,再重新设置")
        second.switch_off(database, own.id)
        web.audit("second_step.off", f"account:{own.id}")
        database.commit()
    except Refused as refused:
        database.rollback()
        if "code" in form:
            secret = second.begin(database, web.own_account(), seal)
            database.commit()
            return _set_up(own, secret, str(refused)), 422
        return _page(refused=str(refused)), 422
    flash("两步登录关掉了。", "good")
    return redirect(url_for("own_account.index"))


@own_account.get("/account/keys/new")
@access(MANAGERS)
def ask_key() -> Response:
    """What a device is asked, to make a key."""
    own = web.account()
    if not second.is_on(web.db(), own.id):
        raise Refused("请先设置两步登录,再加设备")
    asked = security_keys.ask_to_make(
        web.db(), own, security_keys.need_site(web.config().public_url)
    )
    session["challenge"] = asked.challenge
    return jsonify(asked.options)


@own_account.post("/account/keys")
@access(MANAGERS)
def make_key() -> Response | tuple[Response, int]:
    """Keeps the key that the device has made."""
    challenge, sent = session.pop("challenge", ""), request.get_json(silent=True)
    if not isinstance(sent, dict) or not challenge:
        return jsonify(refused="没有加上,请刷新页面再试一次"), 422
    own, answer = web.account(), sent.get("answer")
    try:
        if not second.is_on(web.db(), own.id):
            raise Refused("请先设置两步登录,再加设备")
        name = str(sent.get("name") or "")
        security_keys.make(
            web.db(), own, security_keys.need_site(web.config().public_url), challenge, answer, name
        )
    except Refused as refused:
        web.db().rollback()
        return jsonify(refused=str(refused)), 422
    web.audit("security_key.add", f"account:{own.id}")
    web.db().commit()
    flash("加好了。以后在这台设备上登录,不用填验证码。", "good")
    return jsonify(next=url_for("own_account.index"))


@own_account.post("/account/keys/<handle>")
@access(MANAGERS)
def remove_key(handle: str) -> Response:
    def verb() -> str:
        security_keys.remove(web.db(), web.account().id, handle)
        web.audit("security_key.remove", f"account:{web.account().id}")
        return "删掉了,那台设备以后要填验证码。"

    return web.try_to(verb, url_for("own_account.index"))


@own_account.post("/account/tokens")
@access(MANAGERS)
def make_token() -> str | tuple[str, int]:
    own, form = web.own_account(), request.form
    try:
        text = tokens.make_token(
            web.db(),
            own,
            form.get("name", ""),
            form.get("scope", ""),
            form.get("days", 0, type=int),
        )
    except Refused as refused:
        web.db().rollback()
        return _page(refused=str(refused)), 422
    web.audit("token.make", f"account:{own.id}", {"scope": form.get("scope", "")})
    web.db().commit()
    return _page(token=text)


@own_account.post("/account/tokens/<handle>")
@access(MANAGERS)
def revoke_token(handle: str) -> Response:
    def verb() -> str:
        tokens.revoke(web.db(), web.account().id, handle)
        web.audit("token.revoke", f"account:{web.account().id}")
        return "令牌删掉了,用它的脚本马上不能再用。"

    return web.try_to(verb, url_for("own_account.index"))
