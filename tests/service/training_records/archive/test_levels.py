"""Levels are stored as keys; a chain that holds labels from before stays as it is and counts the same."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from tests.factories import DISTRICT
from training_records.archive import counting
from training_records.archive.models import ArchiveEntry
from training_records.archive.service import verify
from training_records.coverage.definition import coverage
from training_records.coverage.models import YearRule
from training_records.coverage.rules import rule_of, set_rule
from training_records.facts.levels import COUNTED_LEVELS, LEVELS, level_key, level_label

YEAR, AS_OF = 2026, date(2026, 6, 1)

OLD_DISTRICT = "区(市)"  # as stored
OLD_TOWN = "镇(街)"  # as stored


@pytest.mark.parametrize("key", LEVELS)
def test_keys_and_labels_are_read_alike(key):
    label = LEVELS[key]
    full_width = label.replace("(", "\uff08").replace(")", "\uff09")
    half_width = full_width.replace("\uff08", "(").replace("\uff09", ")")
    assert {level_key(text) for text in (key, full_width, half_width)} == {key}
    assert {level_label(text) for text in (key, full_width, half_width)} == {label}


def test_what_is_no_level_stays_and_does_not_count():
    assert level_key("村") == level_label("村") == "村"
    entry = ArchiveEntry(kind="training", level="村", hours=Decimal(8), date=AS_OF)
    assert not counting.counts_as_training(entry, COUNTED_LEVELS)


@pytest.fixture
def old_and_new(session, world, monkeypatch):
    """Two people with the same training, one's filed by an earlier version."""
    old, new = world.person(), world.person()
    with monkeypatch.context() as earlier:
        earlier.setattr("training_records.archive.service.level_key", lambda text: text)
        world.entry(old, day=date(YEAR, 3, 1), level=OLD_DISTRICT)
        world.entry(old, day=date(YEAR, 3, 2), level=OLD_TOWN)
    world.entry(new, day=date(YEAR, 3, 1), level=OLD_DISTRICT)
    world.entry(new, day=date(YEAR, 3, 2), level="town")
    return old, new


def test_an_old_chain_verifies_and_counts_the_same(session, old_and_new):
    old, new = old_and_new
    stored = session.execute(select(ArchiveEntry.person_id, ArchiveEntry.level)).all()
    assert sorted(stored) == sorted(
        [(old.id, OLD_DISTRICT), (old.id, OLD_TOWN), (new.id, "district"), (new.id, "town")]
    )
    assert verify(session) == (4, [])
    totals = counting.year_totals_sql(COUNTED_LEVELS, YEAR, AS_OF)
    assert {row.person_id: row.hours for row in session.execute(totals)} == {old.id: 8, new.id: 8}
    for level, counted in (("district", 2), ("town", 2), ("city", 0)):
        found = session.scalars(
            select(ArchiveEntry).where(counting.counts_as_training_sql([level]))
        ).all()
        assert len(found) == counted
        assert all(counting.counts_as_training(e, [level]) for e in found)


def test_coverage_counts_both_the_same(session, world, old_and_new):
    for person in old_and_new:
        world.entry(person, "exam", day=date(YEAR, 3, 3))
    figures = coverage(session, DISTRICT, YEAR, as_of=AS_OF).total
    assert (figures.in_post, figures.covered) == (2, 2)
    set_rule(session, YEAR, "t", hours=Decimal(8), exam=True, pending_days=30, levels=[OLD_TOWN])
    assert session.get_one(YearRule, YEAR).levels == ["town"]
    assert coverage(session, DISTRICT, YEAR, as_of=AS_OF).total.covered == 2
    session.rollback()


def test_a_rule_of_an_earlier_version_is_read(session):
    row = YearRule(
        year=YEAR,
        hours=Decimal(8),
        exam=True,
        pending_days=30,
        levels=["市", OLD_DISTRICT],
        updated_by="t",
    )
    session.add(row)
    session.flush()
    assert rule_of(session, YEAR).levels == ("city", "district")
    session.rollback()
