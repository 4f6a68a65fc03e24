"""Values formatted for Chinese text."""

from __future__ import annotations

from datetime import date


def chinese_date(day: date) -> str:
    """2026年11月24日"""
    return f"{day.year}年{day.month}月{day.day}日"
