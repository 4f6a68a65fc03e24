"""Which entries count: the SQL form against the predicate on any entries, and each against the rule in plain words."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tests.examples import examples
from training_records.archive import counting
from training_records.archive.models import KINDS, ArchiveEntry
from training_records.archive.service import NewEntry, append_many, entries_of, void
from training_records.facts.levels import COUNTED_LEVELS, LEVELS

YEAR = 2026
days = st.one_of(
    st.dates(date(2025, 1, 1), date(2027, 12, 31)),
    st.sampled_from([date(y, m, d) for y in (2025, 2026, 2027) for m, d in ((1, 1), (12, 31))]),
)
entries = st.fixed_dictionaries(
    {
        "kind": st.sampled_from([k for k in KINDS if k != "void"]),
        "date": days,
        "level": st.sampled_from([*LEVELS, None]),
        "hours": st.sampled_from([None, *map(Decimal, ("0", "0.25", "4", "7.75", "8"))]),
        "score": st.sampled_from([None, Decimal(0), Decimal("59.5"), Decimal(100)]),
        "passed": st.sampled_from([None, False, True]),
        "induction": st.booleans(),
    }
)
levels = st.lists(st.sampled_from([*LEVELS]), min_size=1, unique=True)


@settings(
    max_examples=examples(50),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(st.tuples(entries, st.booleans(), st.booleans()), min_size=1, max_size=12),
    levels,
    days,
)
def test_the_sql_says_what_the_predicate_says(session, world, drawn, counted, as_of):
    people = world.person(), world.person()
    try:
        made = append_many(
            session,
            [NewEntry(people[second].id, title="培训", **values) for values, second, _ in drawn],
            "test",
        )
        for entry, (_, _, gone) in zip(made, drawn, strict=True):
            if gone:
                void(session, entry.id, "录错", by="test")
        session.flush()
        for predicate, sql in (
            (
                lambda e: counting.counts_as_training(e, counted),
                counting.counts_as_training_sql(counted),
            ),
            (counting.is_passed_exam, counting.is_passed_exam_sql()),
            (counting.is_induction, counting.is_induction_sql()),
            (lambda e: counting.in_year(e, YEAR, as_of), counting.in_year_sql(YEAR, as_of)),
        ):
            rows = session.scalars(select(ArchiveEntry)).all()
            found = set(session.scalars(select(ArchiveEntry.id).where(sql)))
            assert {e.id for e in rows if predicate(e)} == found
        sums = {
            row.person_id: counting.YearTotals(
                Decimal(str(row.hours)), bool(row.exam_passed), bool(row.inducted)
            )
            for row in session.execute(counting.year_totals_sql(counted, YEAR, as_of))
        }
        none = counting.YearTotals(Decimal(0), False, False)
        for person in people:
            own = entries_of(session, person.id)
            assert counting.year_totals(own, counted, YEAR, as_of=as_of) == sums.get(
                person.id, none
            )
    finally:
        session.rollback()


@pytest.mark.parametrize(
    ("values", "trained", "examined"),
    [
        ({"kind": "training", "level": "市", "hours": Decimal(8)}, True, False),
        ({"kind": "course", "level": "市", "hours": Decimal(8)}, True, False),
        ({"kind": "external", "level": "市", "hours": Decimal(8)}, False, False),
        ({"kind": "training", "level": "镇(街)", "hours": Decimal(8)}, False, False),  # as stored
        ({"kind": "training", "level": "市", "hours": None}, False, False),
        ({"kind": "exam", "level": "市", "passed": True}, False, True),
        ({"kind": "exam", "level": "市", "passed": False}, False, False),
        ({"kind": "exam", "level": "市", "passed": None}, False, False),
        ({"kind": "certificate", "level": "市", "passed": True}, False, False),
    ],
)
def test_what_counts(values, trained, examined):
    entry = ArchiveEntry(date=date(YEAR, 5, 1), **values)
    assert counting.counts_as_training(entry, COUNTED_LEVELS) is trained
    assert counting.is_passed_exam(entry) is examined


def test_an_entry_counts_for_the_year_of_its_date_and_once_its_day_has_come():
    entry = ArchiveEntry(
        kind="training", level="市", hours=Decimal(8), date=date(YEAR, 5, 1), induction=False
    )
    induction = ArchiveEntry(kind="exam", passed=True, induction=True, date=date(2020, 5, 1))
    both = [entry, induction]

    def of(year, day):
        return counting.year_totals(both, COUNTED_LEVELS, year, as_of=day)

    assert of(YEAR, entry.date) == counting.YearTotals(Decimal(8), False, True)
    assert of(YEAR, entry.date - timedelta(days=1)) == counting.YearTotals(Decimal(0), False, True)
    assert of(YEAR + 1, date(YEAR + 1, 5, 1)) == counting.YearTotals(Decimal(0), False, True)
    assert of(2020, date(2020, 4, 30)) == counting.YearTotals(Decimal(0), False, False)
