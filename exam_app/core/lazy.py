"""Libraries that few processes ever need, and that take much memory."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class LazyModule:
    """A module that loads when something of it is first used."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)
