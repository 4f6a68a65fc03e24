"""`academy config`."""

from __future__ import annotations

import click

from exam_app.cli.tools import emit, json_option
from exam_app.config import load_config, masked


@click.command("config")
@json_option
def show_config(as_json: bool) -> None:
    """显示生效的配置和来源（密钥不显示）。"""
    values = masked(load_config())
    if as_json:
        emit(values)
        return
    for name, entry in values.items():
        click.echo(f"{name}={entry['value']}  ({entry['source']})")
