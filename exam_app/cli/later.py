"""A group of commands that loads a command's module only when that command is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from exam_app.core.memory import settle_memory


class Later(click.Command):
    """Stands for a command in lists, as long as its module isn't loaded."""

    def __init__(self, name: str, place: str, text: str) -> None:
        super().__init__(name, help=text)
        self.place = place

    def load(self) -> click.Command:
        """The command itself."""
        module, _, attribute = self.place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


class LaterGroup(click.Group):
    """Takes `later`, a table of name to (``module:attribute``, help)."""

    def __init__(self, *arguments: Any, later: Mapping[str, tuple[str, str]], **settings: Any):
        super().__init__(*arguments, **settings)
        for name, (place, text) in later.items():
            self.add_command(Later(name, place, text))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if isinstance(command, Later):
            command = command.load()
            settle_memory()
        return name, command, rest
