"""Cadences: periods, what is owed, what pays."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from exam_app.work.options import known_cadences, visit_options
from training_records.work.cadence import name_of, owed, paid, period_of, periods, strictest

TODAY = date(2026, 5, 20)

KNOWN = known_cadences(TODAY)

OPTIONS = visit_options(TODAY)

DAYS = st.dates(date(2024, 1, 1), date(2026, 12, 31))


def test_the_cadences_are_those_of_the_policy():
    assert {c.id: c.months for c in KNOWN.values()} == {
        "orphan": 1,
        "unattended": 1,
        "high-risk": 1,
        "left-behind": 3,
        "key-in-need": 3,
        "in-need": 3,
        "more-often": None,
    }
    assert KNOWN["orphan"].forms == {"home"} and KNOWN["high-risk"].forms == {"home", "school"}
    assert strictest(["left-behind", "orphan"], KNOWN).id == "orphan"
    assert strictest(["more-often", "in-need"], KNOWN).id == "in-need"
    assert strictest([], KNOWN) is None
    assert len(OPTIONS.checks) == 7 and OPTIONS.alarms


@given(DAYS, st.sampled_from([1, 3, 12]))
def test_periods_hold_their_days(day, months):
    first, last = period_of(day, months)
    assert first <= day <= last and first.day == 1 and (last + timedelta(days=1)).day == 1
    assert (first.month - 1) % months == 0
    assert period_of(first, months) == period_of(last, months) == (first, last)
    assert name_of(first, months).startswith(str(day.year))


@given(DAYS, st.integers(0, 500), st.sampled_from([1, 3]))
def test_periods_follow_each_other(start, days, months):
    found = list(periods(start, start + timedelta(days=days), months))
    assert found[0][0] <= start and found[-1][1] >= start + timedelta(days=days)
    assert all(a[1] + timedelta(days=1) == b[0] for a, b in itertools.pairwise(found))


@given(
    opened=DAYS,
    stay=st.integers(0, 700) | st.none(),
    since=DAYS,
    span=st.integers(0, 500),
    name=st.sampled_from(["orphan", "left-behind", "more-often"]),
)
def test_what_is_owed_by_counting_days(opened, stay, since, span, name):
    """Against walking through the days one by one."""
    cadence, until = KNOWN[name], since + timedelta(days=span)
    closed = None if stay is None else opened + timedelta(days=stay)
    inside: dict[tuple[date, date], int] = {}
    day = since.replace(day=1, month=1)
    while cadence.months and day <= until:
        period = period_of(day, cadence.months)
        there = opened <= day and (closed is None or day <= closed) and day >= since
        inside[period] = inside.get(period, 0) + there
        day += timedelta(days=1)
    wanted = [
        (first, last)
        for (first, last), days in inside.items()
        if last <= until and 2 * days >= (last - first).days + 1
    ]
    assert owed(cadence, opened, closed, since=since, until=until) == wanted


def test_only_the_right_kind_of_contact_pays():
    march = period_of(date(2026, 3, 10), 1)
    assert paid(KNOWN["orphan"], march, [(date(2026, 3, 31), "home")])
    assert not paid(
        KNOWN["orphan"], march, [(date(2026, 3, 10), "phone"), (date(2026, 4, 1), "home")]
    )
    assert paid(KNOWN["high-risk"], march, [(date(2026, 3, 1), "school")])
    assert paid(KNOWN["more-often"], march, [(date(2026, 3, 1), "wechat")])
