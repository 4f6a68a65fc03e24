"""Reminder pages: an office's channels, the delivery log, the export for the SMS platform, marking as seen."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.reminders import service
from exam_app.reminders.models import KINDS, WAYS
from exam_app.reminders.sending import post
from exam_app.web.access import LEARNERS, MANAGERS, access
from training_records.database import now
from training_records.errors import Refused

reminders = Blueprint("reminders", __name__)


@reminders.get("/reminders")
@access(MANAGERS)
def index() -> str:
    return _page()


def _page(refused: str = "") -> str:
    session, prefix, moment = web.db(), web.scope().prefix, now()
    channels = service.channels_in(session, prefix)
    return render_template(
        "reminders/index.html",
        channels=[
            (c, service.waiting_count(session, c, moment, config=web.config())) for c in channels
        ],
        figures=service.counts_by_kind(session, prefix, web.today()),
        log=service.latest(session, prefix),
        ways=WAYS,
        kinds=KINDS,
        refused=refused,
    )


@reminders.post("/reminders")
@access(MANAGERS)
def add() -> Response | tuple[str, int]:
    form = request.form
    try:
        channel = service.add_channel(
            web.db(),
            web.account().division_code,
            web.actor(),
            config=web.config(),
            way=form.get("way", ""),
            name=form.get("name", "").strip()[:40],
            target=form.get("target", "").strip()[:300],
            secret=form.get("secret", "").strip()[:100] or None,
            quiet_from=form.get("quiet_from", -1, type=int),
            quiet_to=form.get("quiet_to", -1, type=int),
        )
    except (Refused, OSError) as refused:
        web.db().rollback()
        message = (
            str(refused) if isinstance(refused, Refused) else "连不上邮件服务器，请管理员检查设置"
        )
        return _page(message), 422
    web.audit("reminders.channel", f"channel:{channel.id}", {"way": channel.way})
    web.db().commit()
    flash(f"“{channel.name}”设好了。从现在起的新提醒会从这里发出。", "good")
    return redirect(url_for("reminders.index"))


@reminders.post("/reminders/<int:channel_id>")
@access(MANAGERS)
def change(channel_id: int) -> Response:
    """Toggles or tests a channel, retries failed deliveries, or exports the list for the SMS platform."""
    channel = service.get_channel(web.db(), channel_id, web.scope().prefix)
    if "list" in request.form and channel.way == "csv":
        data, number = service.export_list(web.db(), channel, now(), config=web.config())
        web.audit("reminders.list", f"channel:{channel.id}", {"rows": number})
        web.db().commit()
        return web.attachment(data, "text/csv; charset=utf-8", f"短信名单{web.today()}.csv")
    if "try" in request.form and channel.way == "webhook":
        target, secret = channel.target or "", channel.secret
        web.db().rollback()
        text = "儿童主任学堂：试一试，收到这一条就是通了。"
        fault = post(target, secret, text, config=web.config())
        flash(f"没有通：{fault}" if fault else "通了，请到群里看。", "bad" if fault else "good")
        return redirect(url_for("reminders.index"))
    if "again" in request.form:
        number = service.forget_failed(web.db(), channel)
        web.db().commit()
        flash(f"没发成的 {number} 条会再发一次。", "good")
        return redirect(url_for("reminders.index"))
    channel.enabled = not channel.enabled
    web.audit("reminders.switch", f"channel:{channel.id}", {"enabled": channel.enabled})
    web.db().commit()
    flash("打开了。" if channel.enabled else "停了。", "good")
    return redirect(url_for("reminders.index"))


@reminders.post("/reminders/seen")
@access(LEARNERS)
def seen() -> Response:
    service.see(web.db(), web.person_id())
    web.db().commit()
    return redirect(url_for("home.index"))
