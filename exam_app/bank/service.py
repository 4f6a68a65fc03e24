"""The bank as the application sees it: read once, again when a file changes."""

from __future__ import annotations

from pathlib import Path

from question_bank import Bank, load_bank
from question_bank.bank import ITEMS

_cache: dict[Path, tuple[float, Bank]] = {}


def current_bank(folder: Path = ITEMS) -> Bank:
    """The bank; reloaded when a file is newer than the last reading."""
    newest = max((p.stat().st_mtime for p in folder.rglob("*.yaml")), default=0.0)
    cached = _cache.get(folder)
    if cached is None or cached[0] < newest:
        cached = (newest, load_bank(folder, strict=False))
        _cache[folder] = cached
    return cached[1]
