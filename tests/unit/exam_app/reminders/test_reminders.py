"""Quiet hours and the length of messages."""

from __future__ import annotations

from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from exam_app.reminders.rules import is_quiet
from exam_app.reminders.sending import digest
from tests.examples import examples
from tests.factories import ZONE

NOON = datetime(2026, 11, 25, 12, tzinfo=ZONE)


@settings(max_examples=examples(300))
@given(st.integers(0, 23), st.integers(0, 23), st.integers(0, 23), st.integers(0, 59))
def test_quiet_hours(start, end, hour, minute):
    """Against walking from the first quiet hour to the last."""
    hours, at = set(), start
    while at != end:
        hours.add(at)
        at = (at + 1) % 24
    assert is_quiet(NOON.replace(hour=hour, minute=minute), ZONE, start, quiet_to=end) == (
        hour in hours
    )


@given(st.lists(st.text(min_size=1, max_size=200), max_size=60), st.integers(0, 500))
def test_a_message_to_a_group_fits_and_counts(lines, more):
    lines = [line.replace("\n", " ") for line in lines]
    text = digest(lines, more, "https://academy.example")
    assert len(text.encode()) <= 2048
    shown = sum(1 for line in text.split("\n")[1:-1] if not line.startswith("还有 "))
    left = len(lines) + more - shown
    assert f"（{len(lines) + more} 条）" in text and (not left or f"还有 {left} 条" in text)
