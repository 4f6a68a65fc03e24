from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from tests.factories import CITY, DISTRICT, OTHER_VILLAGE, TOWN, VILLAGE, VILLAGE_2
from training_records.archive.service import void
from training_records.coverage.definition import coverage, report_dict

DAY = date(2026, 11, 24)


def standing(session, person, day=DAY, year=2026):
    return next(
        s for s in coverage(session, CITY, year, as_of=day).standings if s.person_id == person.id
    )


def trained(world, **more):
    person = world.person(**more)
    world.entry(person)
    world.entry(person, "exam", induction=True)
    return person


def test_hours_and_a_passed_exam_cover(session, world):
    person = trained(world)
    assert standing(session, person).status == "covered"


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([], "还差 8 学时，还没有通过考试"),
        ([("training", {"hours": Decimal(5)}), ("exam", {})], "还差 3 学时"),
        ([("training", {}), ("exam", {"passed": False})], "还没有通过考试"),
        ([("training", {"level": "镇(街)"}), ("exam", {})], "还差 8 学时"),  # as stored
        ([("training", {"day": date(2025, 12, 31)}), ("exam", {})], "还差 8 学时"),
        ([("training", {"day": DAY + timedelta(days=1)}), ("exam", {})], "还差 8 学时"),
    ],
)
def test_what_is_missing_is_said(session, world, entries, reason):
    person = world.person()
    for kind, more in entries:
        world.entry(person, kind, **more)
    found = standing(session, person)
    assert found.status == "uncovered"
    assert found.reason.startswith(reason)


@pytest.mark.parametrize(("days", "status"), [(0, "pending"), (30, "pending"), (31, "uncovered")])
def test_thirty_days_in_post_are_pending(session, world, days, status):
    person = world.person(start=DAY - timedelta(days=days))
    assert standing(session, person).status == status


def test_voided_entries_don_t_count(session, world):
    person = world.person()
    entry = world.entry(person)
    world.entry(person, "exam")
    void(session, entry.id, "录错了人", by="test")
    assert standing(session, person).status == "uncovered"


def test_induction_is_flagged_whatever_the_coverage(session, world):
    person = world.person()
    world.entry(person)
    world.entry(person, "exam")
    found = standing(session, person)
    assert (found.status, found.inducted) == ("covered", False)
    assert coverage(session, CITY, 2026, as_of=DAY).total.not_inducted == 1


def test_hours_go_with_the_person_and_the_post_of_the_day_decides_where(session, world):
    person = world.person(VILLAGE)
    person.posts[0].end = date(2026, 5, 31)
    world.post(person, OTHER_VILLAGE, start=date(2026, 6, 1))
    world.entry(person, day=date(2026, 3, 1))
    world.entry(person, "exam", day=date(2026, 3, 1))
    before = {
        c.code: c.in_post for c in coverage(session, CITY, 2026, as_of=date(2026, 5, 31)).children
    }
    after = coverage(session, CITY, 2026, as_of=DAY)
    assert before[DISTRICT] == 1
    assert {c.code: (c.in_post, c.covered) for c in after.children} == {
        DISTRICT: (0, 0),
        "370281000000": (1, 1),
    }


def test_a_person_in_two_villages_counts_once_above_and_in_each_below(session, world):
    person = trained(world)
    world.post(person, VILLAGE_2, start=date(2026, 11, 20))
    report = coverage(session, TOWN, 2026, as_of=DAY)
    assert report.total.in_post == 1
    assert [c.in_post for c in report.children] == [1, 1]


def test_a_second_village_makes_nobody_new(session, world):
    person = world.person(start=date(2024, 1, 1))
    world.post(person, VILLAGE_2, start=DAY - timedelta(days=3))
    assert standing(session, person).status == "uncovered"


def test_rates_with_and_without_the_pending(session, world):
    trained(world)
    world.person(start=DAY - timedelta(days=1))
    report = report_dict(coverage(session, DISTRICT, 2026, as_of=DAY))
    assert (report["in_post"], report["covered"], report["pending"]) == (2, 1, 1)
    assert (report["rate"], report["rate_without_pending"]) == (0.5, 1.0)
    empty = report_dict(coverage(session, "370281000000", 2026, as_of=DAY))
    assert empty["rate"] is None and empty["in_post"] == 0
