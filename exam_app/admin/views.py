"""Administration of the accounts within the scope, and the audit log."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.audit.service import entries_in
from exam_app.identity import second
from exam_app.identity.models import ROLES, Account
from exam_app.identity.service import (
    account_names,
    account_within,
    end_sessions,
    reset_password,
    search_accounts,
    unlock,
)
from exam_app.web.access import MANAGERS, access

admin = Blueprint("admin", __name__)
LOG_PAGE = 50
# The roles whose accounts each role administers: strictly lower ones.
BELOW = {
    "district": ("director", "supervisor"),
    "city": ("director", "supervisor", "district"),
    "operator": ("director", "supervisor", "district", "city"),
}


@admin.get("/admin")
@access(MANAGERS)
def index() -> str:
    text = request.args.get("q", "").strip()[:20]
    below = BELOW[web.account().role]
    matches = search_accounts(web.db(), web.scope().prefix, below, text=text) if text else []
    second_on = {a.id for a in matches if second.is_on(web.db(), a.id)}
    return render_template(
        "admin/index.html", q=text, found=matches, roles=ROLES, second_on=second_on
    )


def _account(account_id: int) -> Account:
    below = BELOW[web.account().role]
    return account_within(web.db(), account_id, web.scope().prefix, roles=below)


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
    flash(f"{account.name}的账号已解锁，可以马上再登录。")
    return redirect(url_for("admin.index", q=account.phone))


@admin.post("/admin/accounts/<int:account_id>/second-step")
@access(MANAGERS)
def second_off(account_id: int) -> Response:
    """Switches off two-step verification for an account that lost its phone, and ends its sessions. The office checks
    the identity in person first."""
    account = _account(account_id)
    second.switch_off(web.db(), account.id)
    end_sessions(web.db(), account.id, "")
    web.audit("second_step.off", f"account:{account.id}")
    web.db().commit()
    flash(f"{account.name}的两步登录关掉了，下次登录要重新设置。")
    return redirect(url_for("admin.index", q=account.phone))


@admin.get("/admin/log")
@access(MANAGERS)
def audit_log() -> str:
    """The audit log of the offices within the scope."""
    text, before = request.args.get("q", "").strip()[:40], request.args.get("before", type=int)
    # Command-line entries carry no division, so only the operator's empty prefix matches them.
    prefix = "" if web.account().role == "operator" else web.scope().prefix
    rows = entries_in(web.db(), prefix, text, before=before)
    ids = {int(r.created_by.partition(":")[2]) for r in rows if r.created_by.startswith("account:")}
    names = account_names(web.db(), ids)
    return render_template(
        "admin/log.html",
        rows=rows,
        q=text,
        names={f"account:{number}": name for number, name in names.items()},
        more=rows[-1].seq if len(rows) == LOG_PAGE else None,
    )
