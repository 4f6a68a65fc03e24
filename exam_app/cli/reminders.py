"""`academy remind`: records and sends due reminders, once; for a timer on machines without a server."""

from __future__ import annotations

import click

from exam_app.cli.tools import emit, json_option, open_factory
from exam_app.reminders.service import note_due, send_due
from training_records.database import now


@click.command("remind")
@click.option("--no-send", is_flag=True, help="只记下该提醒的，不发送")
@json_option
def remind(no_send: bool, as_json: bool) -> None:
    """看谁该提醒，记下来，按设置的方式发出去。同一件事只发一次。"""
    with open_factory() as (factory, config):
        new = note_due(factory, config, now())
        sent = 0 if no_send else send_due(factory, config, now())
    if as_json:
        emit({"new": new, "sent": sent})
    else:
        click.echo(f"新提醒 {new} 条，发出 {sent} 条。")
