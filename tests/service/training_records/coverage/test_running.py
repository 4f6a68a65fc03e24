"""Running figures against the definition, and against a second one that knows no SQL."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from tests.examples import examples
from tests.factories import (
    CITY,
    DISTRICT,
    OTHER_DISTRICT,
    OTHER_TOWN,
    OTHER_VILLAGE,
    TOWN,
    VILLAGE,
    VILLAGE_2,
)
from tests.plans import asked, plan
from training_records.archive.models import ArchiveEntry
from training_records.archive.service import NewEntry, append, void
from training_records.coverage import reading
from training_records.coverage.definition import coverage
from training_records.coverage.freezing import is_frozen
from training_records.coverage.models import CoverageRow, DivisionTotals, PendingUpdate
from training_records.coverage.rules import Rule, rule_of, set_rule
from training_records.coverage.running import KEYS, apply_pending, is_stale, note_rule, rebuild
from training_records.ledger.models import Person, Post

START = date(2026, 5, 10)
CODES = (CITY, DISTRICT, OTHER_DISTRICT, TOWN, OTHER_TOWN, VILLAGE, VILLAGE_2, OTHER_VILLAGE)
VILLAGES = (VILLAGE, VILLAGE_2, OTHER_VILLAGE)


def work_off(session, today):
    while apply_pending(session, today):
        pass


def naive(session, code, today, rule):
    """(in post, covered, pending, uncovered, not inducted, supervisors) by loops over all rows."""
    voided = {e.voids_id for e in session.scalars(select(ArchiveEntry)) if e.voids_id}
    learnt = defaultdict(list)
    for entry in session.scalars(select(ArchiveEntry)):
        if entry.id not in voided and entry.kind != "void" and entry.date <= today:
            learnt[entry.person_id].append(entry)
    held = defaultdict(list)
    for post in session.scalars(select(Post)):
        if post.start <= today and (post.end is None or post.end >= today):
            held[post.person_id, post.role].append(post)
    figures = dict.fromkeys(reading.SHOWN, 0)
    prefix = code.rstrip("0") if code != CITY else "3702"
    prefix = {DISTRICT: "370283", OTHER_DISTRICT: "370281"}.get(code, prefix)
    prefix = {TOWN: TOWN[:9], OTHER_TOWN: OTHER_TOWN[:9]}.get(code, prefix)
    for (person, role), posts in held.items():
        if not any(post.division_code.startswith(prefix) for post in posts):
            continue
        if role == "supervisor":
            figures["supervisors"] += 1
            continue
        year = [e for e in learnt[person] if e.date.year == today.year]
        hours = sum(
            e.hours or 0
            for e in year
            if e.kind in ("course", "training") and e.level in rule.levels
        )
        passed = [e for e in learnt[person] if e.kind == "exam" and e.passed]
        exam = any(e.date.year == today.year for e in passed)
        days = (today - min(post.start for post in posts)).days
        figures["in_post"] += 1
        if hours >= rule.hours and (exam or not rule.exam):
            figures["covered"] += 1
        elif days <= rule.pending_days:
            figures["pending"] += 1
        else:
            figures["uncovered"] += 1
        figures["not_inducted"] += not any(e.induction for e in passed)
    return figures


def shown(row):
    return {key: getattr(row, key) for key in reading.SHOWN}


def check(session, today):
    rule = rule_of(session, today.year)
    kept = {
        row.code: [getattr(row, k) for k in KEYS] for row in session.scalars(select(DivisionTotals))
    }
    for code in CODES:
        running = reading.report(session, code, today)
        defined = coverage(session, code, today.year, as_of=today)
        assert shown(running.total) == naive(session, code, today, rule)
        assert shown(running.total) == shown(defined.total)
        assert list(map(shown, running.children)) == list(map(shown, defined.children))
        mine = reading.people(session, code, today, status="all", limit=1000)
        assert {(s.person_id, s.status, s.hours, s.reason) for s in mine} == {
            (s.person_id, s.status, s.hours, s.reason) for s in defined.standings
        }
        by_month = reading.course(session, code, today).by_month
        assert by_month[-1] == running.total.covered
    seats = session.execute(select(CoverageRow.__table__)).all()
    rebuild(session, today)
    session.expire_all()
    again = {
        row.code: [getattr(row, k) for k in KEYS] for row in session.scalars(select(DivisionTotals))
    }
    assert {c: n for c, n in kept.items() if any(n)} == {c: n for c, n in again.items() if any(n)}
    assert sorted(map(str, seats)) == sorted(
        map(str, session.execute(select(CoverageRow.__table__)).all())
    )


days = st.integers(-500, 60)
step = st.one_of(
    st.tuples(st.just("appoint"), st.integers(0, 5), st.sampled_from(VILLAGES), days),
    st.tuples(st.just("oversee"), st.integers(0, 5), st.sampled_from((TOWN, OTHER_TOWN)), days),
    st.tuples(st.just("leave"), st.integers(0, 20), st.integers(-40, 40)),
    st.tuples(
        st.just("learn"),
        st.integers(0, 5),
        st.sampled_from(["4", "8", "0.5", "7.75"]),
        st.sampled_from(["市", "区(市)", "镇(街)"]),  # as stored
        days,
    ),
    st.tuples(st.just("exam"), st.integers(0, 5), st.booleans(), st.booleans(), days),
    st.tuples(st.just("void"), st.integers(0, 50)),
    st.tuples(st.just("wait"), st.integers(1, 45)),
    st.tuples(st.just("wait"), st.integers(1, 3)),
)


@dataclass
class History:
    """Applies steps to a database."""

    session: object
    people: list
    today: date = START

    def do(self, kind, *how):
        session, day = self.session, self.today
        if kind == "appoint" or kind == "oversee":
            person, code, offset = how
            role = "director" if kind == "appoint" else "supervisor"
            start = day + timedelta(days=offset)
            key = (self.people[person].id, role, code, start)
            same = select(Post).where(
                Post.person_id == key[0], Post.role == role, Post.division_code == code
            )
            if not session.scalar(same):
                session.add(Post(person_id=key[0], role=role, division_code=code, start=start))
        elif kind == "leave":
            posts = session.scalars(select(Post).order_by(Post.id)).all()
            if posts:
                post = posts[how[0] % len(posts)]
                post.end = max(post.start, day + timedelta(days=how[1]))
        elif kind in ("learn", "exam"):
            person = self.people[how[0]].id
            if session.scalar(select(Post.id).where(Post.person_id == person)) is None:
                return
            date_ = day + timedelta(days=how[-1])
            more = (
                {"hours": Decimal(how[1]), "level": how[2]}
                if kind == "learn"
                else {"passed": how[1], "induction": how[2]}
            )
            append(
                session,
                NewEntry(person, "training" if kind == "learn" else "exam", date_, "甲", **more),
                "test",
            )
        elif kind == "void":
            entries = session.scalars(
                select(ArchiveEntry).where(ArchiveEntry.kind != "void").order_by(ArchiveEntry.id)
            ).all()
            if entries:
                entry = entries[how[0] % len(entries)]
                gone = select(ArchiveEntry).where(ArchiveEntry.voids_id == entry.id)
                if not session.scalar(gone):
                    void(session, entry.id, "录错", by="test")
        else:
            self.today = day + timedelta(days=how[0])
        session.flush()


@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.tuples(step, st.booleans()), min_size=1, max_size=25), st.integers(0, 40))
def test_any_history_gives_the_defined_figures(session, world, steps, roll):
    people = [Person(name=f"人{n}", phone=f"1390000000{n}") for n in range(6)]
    session.add_all(people)
    session.flush()
    history = History(session, people)
    rebuild(session, START)
    try:
        for one, at_once in steps:
            history.do(*one)
            if at_once:
                work_off(session, history.today)
        # Whether or not time went on since the last record.
        history.today += timedelta(days=roll)
        while history.today > START and is_stale(session, history.today):
            apply_pending(session, history.today)
        work_off(session, history.today)
        assert session.scalar(select(PendingUpdate.id)) is None
        check(session, history.today)
    finally:
        session.rollback()


def trained(world, **more):
    person = world.person(**more)
    world.entry(person)
    world.entry(person, "exam", induction=True)
    return person


def test_the_turn_of_a_year_freezes_the_old_one(session, world):
    last, first = date(2026, 12, 31), date(2027, 1, 1)
    person, other = trained(world), world.person(OTHER_VILLAGE)
    work_off(session, date(2026, 12, 20))
    assert not is_frozen(session, 2026)
    while apply_pending(session, first):
        pass
    assert is_frozen(session, 2026)
    assert reading.report(session, CITY, first).total.covered == 0
    then = reading.frozen_report(session, CITY, 2026).total
    assert (then.in_post, then.covered, then.uncovered) == (2, 1, 1)
    # What becomes known later changes the truth, not what was known.
    world.entry(other, day=date(2026, 11, 1))
    world.entry(other, "exam", day=date(2026, 11, 2))
    entry = session.scalars(select(ArchiveEntry).where(ArchiveEntry.person_id == person.id)).first()
    void(session, entry.id, "录错", by="test")
    work_off(session, first)
    assert reading.frozen_report(session, CITY, 2026).total == then
    now = coverage(session, CITY, 2026, as_of=last)
    found = {
        d.person_id: (d.then, d.now)
        for d in reading.differences(session, CITY, 2026, current=now.standings)
    }
    assert found == {person.id: ("covered", "uncovered"), other.id: ("uncovered", "covered")}


def test_a_new_rule_counts_for_its_year_and_the_following(session, world):
    trained(world)
    today = date(2026, 11, 24)
    work_off(session, today)
    assert reading.report(session, CITY, today).total.covered == 1
    set_rule(
        session, 2026, "test", hours=Decimal(20), exam=True, pending_days=10, levels=["市", "省"]
    )
    note_rule(session, 2026)
    work_off(session, today)
    assert reading.report(session, CITY, today).total.covered == 0
    assert rule_of(session, 2027) == Rule(Decimal(20), True, 10, ("province", "city"))
    assert rule_of(session, 2025) == Rule()
    assert coverage(session, CITY, 2026, as_of=today).total.covered == 0


@pytest.mark.parametrize("status", reading.STATUSES)
def test_names_page_by_page(session, world, status):
    for number in range(7):
        trained(world, division=VILLAGES[number % 3]) if number % 2 else world.person()
    twice = world.person(VILLAGE)
    world.post(twice, VILLAGE_2)
    today = date(2026, 11, 24)
    work_off(session, today)
    whole = reading.people(session, CITY, today, status=status)
    pages, after = [], ("", 0)
    while page := reading.people(session, CITY, today, status=status, after=after, limit=2):
        pages += page
        after = (page[-1].division_code, page[-1].person_id)
    assert pages == whole
    total = reading.report(session, CITY, today).total
    assert len(whole) == getattr(total, "in_post" if status == "all" else status)
    assert [s.division_code for s in whole if s.person_id == twice.id] in ([], [VILLAGE_2])


def test_bulk_statements_need_a_note(session, world):
    """What goes past the session is not seen by itself."""
    person = trained(world)
    today = date(2026, 11, 24)
    work_off(session, today)
    session.execute(delete(Post).where(Post.person_id == person.id))
    assert not is_stale(session, today)


def test_a_day_goes_by(session, world):
    """Nothing is recorded, and yet: thirty days are over, a training takes place, posts end and begin."""
    today = date(2026, 11, 24)
    tomorrow = today + timedelta(days=1)
    world.person(start=today - timedelta(days=30))
    ahead = world.person()
    world.entry(ahead, day=tomorrow)
    world.entry(ahead, "exam", day=today)
    world.person(OTHER_VILLAGE).posts[0].end = today
    world.person(OTHER_VILLAGE, start=tomorrow)
    session.flush()

    def figures(day):
        work_off(session, day)
        total = reading.report(session, CITY, day).total
        assert shown(total) == shown(coverage(session, CITY, 2026, as_of=day).total)
        return total.in_post, total.covered, total.pending, total.uncovered

    assert figures(today) == (3, 0, 1, 2)
    assert figures(tomorrow) == (3, 1, 1, 1)


def test_a_clock_that_was_read_before_midnight_does_not_turn_the_day_back(session, world):
    today = date(2026, 11, 24)
    tomorrow = today + timedelta(days=1)
    world.person(start=today - timedelta(days=30))
    work_off(session, tomorrow)
    assert not is_stale(session, today)
    world.person(OTHER_VILLAGE, start=today - timedelta(days=30))
    work_off(session, today)
    total = reading.report(session, CITY, tomorrow).total
    assert (total.pending, total.uncovered) == (0, 2)


def test_a_clock_that_was_far_ahead_is_forgotten(session, world):
    today = date(2026, 11, 24)
    world.person(start=today)
    work_off(session, date(2026, 12, 30))
    assert reading.report(session, CITY, today).total.uncovered == 1
    assert is_stale(session, today)
    work_off(session, today)
    assert reading.report(session, CITY, today).total.pending == 1


@pytest.mark.parametrize("status", reading.STATUSES)
def test_names_are_found_by_an_index(session, world, status):
    """However many seats there are: a village's names are searched for by its code."""
    with asked(session) as statements:
        reading.people(session, VILLAGE, date(2026, 11, 24), status=status, limit=10)
    details = plan(session, *next(a for a in statements if "coverage_seat" in a[0]))
    assert any("coverage_seat USING INDEX" in d and "code>? AND code<?" in d for d in details)
    assert not [d for d in details if d.startswith("SCAN") or "TEMP B-TREE" in d]
