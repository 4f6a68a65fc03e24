"""Settings: accounts within the scope, unlock and reset."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy import or_, select
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.audit.service import entries_in
from exam_app.identity import second
from exam_app.identity.models import ROLES, Account
from exam_app.identity.service import end_sessions, reset_password, unlock
from exam_app.web.access import MANAGERS, access
from training_records.divisions import within
from training_records.errors import NotFound

admin = Blueprint("admin", __name__)
LOG_PAGE = 50
# Who may reset whose password: nobody their equals or betters.
BELOW = {
    "district": ("director", "supervisor"),
    "city": ("director", "supervisor", "district"),
    "operator": ("director", "supervisor", "district", "city"),
}


@admin.get("/admin")
@access(MANAGERS)
def index() -> str:
    text = request.args.get("q", "").strip()[:20]
    found = []
    if text:
        query = select(Account).where(
            within(Account.division_code, web.scope().prefix),
            Account.role.in_(BELOW[web.account().role]),
            or_(
                Account.phone.startswith(text, autoescape=True),
                Account.name.contains(text, autoescape=True),
            ),
        )
        found = list(
            web.db().scalars(query.order_by(Account.division_code, Account.name).limit(50))
        )
    second_on = {a.id for a in found if second.is_on(web.db(), a.id)}
    return render_template(
        "admin/index.html", q=text, found=found, roles=ROLES, second_on=second_on
    )


def _account(account_id: int) -> Account:
    account = web.db().scalar(
        select(Account).where(
            Account.id == account_id,
            within(Account.division_code, web.scope().prefix),
            Account.role.in_(BELOW[web.account().role]),
        )
    )
    if account is None:
        raise NotFound("没有这个账号,或不在您的管理范围内")
    return account


@admin.post("/admin/accounts/<int:account_id>/reset")
@access(MANAGERS)
def reset(account_id: int) -> str:
    account = _account(account_id)
    password = reset_password(web.db(), account)
    web.audit("password.reset", f"account:{account.id}")
    web.db().commit()
    return render_template("admin/initial.html", account=account, password=password)


@admin.post("/admin/accounts/<int:account_id>/unlock")
@access(MANAGERS)
def open_lock(account_id: int) -> Response:
    account = _account(account_id)
    unlock(web.db(), account.phone)
    web.audit("account.unlock", f"account:{account.id}")
    web.db().commit()
    flash(f"{account.name}的账号已解锁,可以马上再登录。")
    return redirect(url_for("admin.index", q=account.phone))


@admin.post("/admin/accounts/<int:account_id>/second-step")
@access(MANAGERS)
def second_off(account_id: int) -> Response:
    """For somebody whose phone is gone, after asking them in person."""
    account = _account(account_id)
    second.switch_off(web.db(), account.id)
    end_sessions(web.db(), account.id, "")
    web.audit("second_step.off", f"account:{account.id}")
    web.db().commit()
    flash(f"{account.name}的两步登录关掉了,下次登录要重新设置。")
    return redirect(url_for("admin.index", q=account.phone))


@admin.get("/admin/log")
@access(MANAGERS)
def audit_log() -> str:
    """What the offices of the scope did: who, what, when. Nobody can change it."""
    text, before = request.args.get("q", "").strip()[:40], request.args.get("before", type=int)
    # What the command line did on the machine stands in no division: the operator's matter.
    prefix = "" if web.account().role == "operator" else web.scope().prefix
    rows = entries_in(web.db(), prefix, text, before)
    ids = {int(r.created_by.partition(":")[2]) for r in rows if r.created_by.startswith("account:")}
    names = web.db().execute(select(Account.id, Account.name).where(Account.id.in_(ids)))
    return render_template(
        "admin/log.html",
        rows=rows,
        q=text,
        names={f"account:{number}": name for number, name in names},
        more=rows[-1].seq if len(rows) == LOG_PAGE else None,
    )
