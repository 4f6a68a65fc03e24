"""Reminder pages: an office's channels, the delivery log, the export for the SMS platform, marking as seen."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.reminders import service
from exam_app.reminders.forms import ChannelForm
from exam_app.reminders.models import KINDS, WAYS
from exam_app.reminders.sending import post
from exam_app.web.access import LEARNERS, MANAGERS, access
from exam_app.web.forms import pressed
from training_records.database import now
from training_records.errors import Refused

reminders = Blueprint("reminders", __name__)


@reminders.get("/reminders")
@access(MANAGERS)
def index() -> str:
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
        form=ChannelForm.shown(given={"quiet_from": 21, "quiet_to": 8}),
    )


@reminders.post("/reminders")
@access(MANAGERS)
def add() -> Response:
    form = ChannelForm.typed()

    def verb() -> str:
        try:
            channel = service.add_channel(
                web.db(),
                web.account().division_code,
                web.actor(),
                config=web.config(),
                way=form.way.got,
                name=form.name.got,
                target=form.target.got,
                secret=form.secret.got or None,
                quiet_from=form.quiet_from.got,
                quiet_to=form.quiet_to.got,
            )
        except OSError:
            raise Refused("连不上邮件服务器，请管理员检查设置") from None
        web.audit("reminders.channel", f"channel:{channel.id}", {"way": channel.way})
        return f"“{channel.name}”设好了。从现在起的新提醒会从这里发出。"

    return web.carry_out(verb, url_for("reminders.index"), page=index, form=form)


@reminders.post("/reminders/<int:channel_id>")
@access(MANAGERS)
def change(channel_id: int) -> Response:
    """Toggles or tests a channel, retries failed deliveries, or exports the list for the SMS platform."""
    channel = service.get_channel(web.db(), channel_id, web.scope().prefix)
    if pressed("list") and channel.way == "csv":
        data, number = service.export_list(web.db(), channel, now(), config=web.config())
        web.audit("reminders.list", f"channel:{channel.id}", {"rows": number})
        web.db().commit()
        return web.attachment(data, "text/csv; charset=utf-8", f"短信名单{web.today()}.csv")
    if pressed("try") and channel.way == "webhook":
        target, secret = channel.target or "", channel.secret
        web.db().rollback()
        text = "儿童主任学堂：试一试，收到这一条就是通了。"
        fault = post(target, secret, text, config=web.config())
        flash(f"没有通：{fault}" if fault else "通了，请到群里看。", "bad" if fault else "good")
        return redirect(url_for("reminders.index"))
    if pressed("again"):
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
