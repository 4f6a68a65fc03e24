"""Formatting of times and numbers for Chinese readers, independent of a request."""

from __future__ import annotations

from datetime import datetime
from typing import SupportsFloat
from zoneinfo import ZoneInfo

from training_records.text import chinese_date


def span(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """2026年11月24日 09:00–12:00"""
    first, last = start.astimezone(zone), end.astimezone(zone)
    day = "" if first.date() == last.date() else f"{chinese_date(last.date())} "
    return f"{chinese_date(first.date())} {first:%H:%M}–{day}{last:%H:%M}"


def plain(value: SupportsFloat | str | None) -> str:
    """A number without trailing zeros."""
    if value is None:
        return ""
    text = f"{float(value):.2f}".rstrip("0").rstrip(".")
    return text or "0"
