"""Formatting of dates, times and division names for pages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from flask import (
    g,
)

from exam_app.core import words
from exam_app.web.current import config
from exam_app.web.session import db
from training_records.divisions import ancestor, division_names, joined_name
from training_records.text import chinese_date as written_date


def span(start: datetime, end: datetime) -> str:
    """2026年11月24日 09:00–12:00"""
    return words.span(start, end, config().zone)


def prefetch_division_names(codes: Iterable[str]) -> None:
    """Loads names of divisions in one query, for the `division` filter."""
    known: dict[str, str] = g.setdefault("places", {})
    missing = set(codes) - known.keys()
    if missing:
        above = {ancestor(c, level) for c in missing for level in ("district", "town")}
        names = division_names(db(), codes=missing | above)
        known.update({c: joined_name(names, c) for c in missing if c in names})


def division_path(code: str) -> str:
    """A division's name, preceded by those above it up to the district."""
    prefetch_division_names([code])
    return str(g.places.get(code, code))


def local(value: datetime | None) -> str:
    """A time in the format of an HTML datetime-local field."""
    return f"{value.astimezone(config().zone):%Y-%m-%dT%H:%M}" if value else ""


def chinese_date(value: date | datetime | None) -> str:
    """2026年11月24日"""
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = value.astimezone(config().zone).date()
    return written_date(value)


def chinese_time(value: datetime | None) -> str:
    """2026年11月24日 14:05"""
    if value is None:
        return ""
    local = value.astimezone(config().zone)
    return f"{chinese_date(value)} {local:%H:%M}"
