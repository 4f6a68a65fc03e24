"""Account pages: sign-in, sign-out, password, activation."""

from __future__ import annotations

from flask import Blueprint, flash, jsonify, redirect, render_template, request, session, url_for
from flask_login import current_user, logout_user
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.accounts import claims
from exam_app.accounts.forms import ClaimForm, LoginForm, PasswordForm
from exam_app.accounts.slips import slips_pdf
from exam_app.audit.service import record
from exam_app.core.sealing import seal_of
from exam_app.identity import security_keys
from exam_app.identity.service import (
    CodeNeeded,
    SignInRefused,
    change_password,
    enter_code,
    enter_key,
    open_session,
    sign_in,
    sign_out,
)
from exam_app.web.access import EVERYONE, MANAGERS, PUBLIC, access
from exam_app.web.interrupted import clear_session
from exam_app.web.sign_in import device, remember
from training_records.database import now
from training_records.errors import Refused

accounts = Blueprint("accounts", __name__)
# Seconds allowed between password and second step.
CODE_WITHIN = 300


@accounts.route("/login", methods=["GET", "POST"])
@access(PUBLIC)
def login() -> str | Response | tuple[str, int]:
    form = LoginForm()
    if request.method == "GET" and current_user.is_authenticated:
        return redirect(url_for("home.index"))
    if not form.validate_on_submit():
        return render_template("accounts/login.html", form=form)
    try:
        account, token = sign_in(
            web.db(), form.phone.data or "", form.password.data or "", device=device()
        )
    except CodeNeeded as needed:
        web.db().commit()
        return ask_code(needed.account_id, request.args.get("next"))
    except SignInRefused as refused:
        web.db().commit()
        return render_template("accounts/login.html", form=form, refused=str(refused)), 422
    web.db().commit()
    remember(account, token)
    if account.must_change_password:
        return redirect(url_for("accounts.password"))
    return redirect(web.safe_next(request.args.get("next")))


def ask_code(account_id: int, target: str | None) -> Response:
    """Redirects to the second step. The signed session cookie records only that the password was right: nobody is
    signed in yet."""
    clear_session()
    session["second"] = [account_id, int(now().timestamp())]
    return redirect(url_for("accounts.code", next=target))


@accounts.route("/login/code", methods=["GET", "POST"])
@access(PUBLIC)
def code() -> str | Response | tuple[str, int]:
    """The second step by an authenticator code or a recovery code."""
    account_id, started = session.get("second", (0, 0))
    if now().timestamp() - started > CODE_WITHIN:
        session.pop("second", None)
        flash("请重新输入手机号和密码。")
        return redirect(url_for("accounts.login"))
    if request.method == "GET":
        return render_template("accounts/code.html", has_key=_has_key(account_id))
    try:
        account, token = enter_code(
            web.db(),
            account_id,
            request.form.get("code", "")[:20],
            seal=seal_of(web.config()),
            device=device(),
        )
    except SignInRefused as refused:
        web.db().commit()
        context = {"refused": str(refused), "has_key": _has_key(account_id)}
        return render_template("accounts/code.html", **context), 422
    web.db().commit()
    remember(account, token)
    return redirect(web.safe_next(request.args.get("next")))


@accounts.get("/login/key")
@access(PUBLIC)
def ask_key() -> Response:
    """Returns the WebAuthn authentication options once the password was right."""
    account_id, _ = session.get("second", (0, 0))
    site = security_keys.need_site(web.config().public_url)
    prompt = security_keys.ask_to_sign(web.db(), account_id, site)
    session["challenge"] = prompt.challenge
    return jsonify(prompt.options)


@accounts.post("/login/key")
@access(PUBLIC)
def key() -> Response | tuple[Response, int]:
    """The second step by a security key. The challenge is single-use."""
    account_id, started = session.get("second", (0, 0))
    challenge = session.pop("challenge", "")
    site = security_keys.site_of(web.config().public_url)
    if site is None or not challenge or now().timestamp() - started > CODE_WITHIN:
        return jsonify(refused="放得太久了，请重新输入手机号和密码"), 422
    answer = request.get_json(silent=True)
    try:
        account, token = enter_key(
            web.db(), account_id, site, challenge=challenge, answer=answer, device=device()
        )
    except SignInRefused as refused:
        web.db().commit()
        return jsonify(refused=str(refused)), 422
    web.db().commit()
    remember(account, token)
    return jsonify(next=web.safe_next(request.args.get("next")))


def _has_key(account_id: int) -> bool:
    site = security_keys.site_of(web.config().public_url)
    return site is not None and bool(security_keys.keys_of(web.db(), account_id))


@accounts.post("/logout")
@access(EVERYONE)
def logout() -> Response:
    sign_out(web.db(), current_user.id)
    web.db().commit()
    logout_user()
    session.clear()
    return redirect(url_for("accounts.login"))


@accounts.route("/password", methods=["GET", "POST"])
@access(EVERYONE)
def password() -> str | Response | tuple[str, int]:
    form = PasswordForm()
    if not form.validate_on_submit():
        return render_template("accounts/password.html", form=form)
    first = web.account().must_change_password
    try:
        token = change_password(
            web.db(),
            web.db().merge(web.account()),
            form.old.data or "",
            new=form.new.data or "",
            device=device(),
        )
    except Refused as refused:
        web.db().rollback()
        return render_template("accounts/password.html", form=form, refused=str(refused)), 422
    web.audit("password.change", f"account:{web.account().id}")
    web.db().commit()
    remember(web.account(), token)
    flash("新密码设好了，请记住它。" if first else "密码改好了。其他手机上的登录都已退出。")
    return redirect(url_for("home.index"))


@accounts.route("/claim", methods=["GET", "POST"])
@access(PUBLIC)
def claim() -> str | Response | tuple[str, int]:
    """Opens a person's own account with their activation code."""
    form = ClaimForm()
    if not form.validate_on_submit():
        return render_template("accounts/claim.html", form=form)
    try:
        account = claims.claim(
            web.db(),
            form.phone.data or "",
            form.code.data or "",
            password=form.new.data or "",
            address=request.remote_addr or "",
            key=web.config().secret_key,
            today=web.today(),
        )
    except SignInRefused as refused:
        web.db().commit()
        return render_template("accounts/claim.html", form=form, refused=str(refused)), 422
    except Refused as refused:
        web.db().rollback()
        return render_template("accounts/claim.html", form=form, refused=str(refused)), 422
    token = open_session(web.db(), account, device())
    record(
        web.db(), f"account:{account.id}", "account.claim", subject=f"person:{account.person_id}"
    )
    web.db().commit()
    remember(account, token)
    flash("账号开通了，请记住密码。以后用手机号和密码登录。", "good")
    return redirect(url_for("home.index"))


@accounts.post("/accounts/slips")
@access(MANAGERS)
def slips() -> Response:
    """Prints activation codes for those in post in a division without an account."""
    division = web.scope().division(web.db(), request.form.get("division"))
    sheet = claims.make_slips(
        web.db(), division.code, web.today(), key=web.config().secret_key, by=web.actor()
    )
    web.audit("account.slips", f"division:{division.code}", {"slips": len(sheet)})
    web.db().commit()
    pdf = slips_pdf(sheet, web.config().public_url + url_for("accounts.claim"))
    return web.attachment(pdf, "application/pdf", f"{division.name}开通码.pdf")
