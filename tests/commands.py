"""The command line with every command loaded, for tests that look at all of them."""

from __future__ import annotations

import click

from exam_app.cli import cli
from exam_app.cli.later import Later


def all_commands() -> click.Group:
    """`academy` as a plain group."""
    commands = {
        name: command.load() if isinstance(command, Later) else command
        for name, command in cli.commands.items()
    }
    return click.Group("academy", commands)
