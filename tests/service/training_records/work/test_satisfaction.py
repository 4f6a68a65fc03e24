"""Satisfaction by codes on paper and checking by sample."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from sqlalchemy import select

from exam_app.work.options import known_cadences
from tests.factories import CITY, DISTRICT, OTHER_DISTRICT, TOWN, VILLAGE, add_case, add_visit
from training_records.database import make_session_factory
from training_records.errors import NotFound, Refused
from training_records.work import checking, satisfaction, service
from training_records.work.models import SatisfactionAnswer, SatisfactionTicket, Visit, VisitCheck

TODAY = date(2026, 5, 20)
MARKS = {"visits": 5, "help": 4, "manner": 3}


@pytest.fixture
def round_(session, world):
    made = satisfaction.open_round(
        session, DISTRICT, 2026, closes_on=TODAY + timedelta(days=30), by="t", today=TODAY
    )
    session.commit()
    return made


def answer(session, round_, person, marks):
    """As many answers as there are marks, each with a ticket of its own."""
    tokens = satisfaction.issue(session, round_, person.id, today=TODAY)
    for token, mark in zip(tokens, marks, strict=False):
        satisfaction.take(session, token, dict.fromkeys(MARKS, mark), today=TODAY)
    session.commit()


def test_a_ticket_answers_once(session, world, round_):
    person = world.person()
    token = satisfaction.issue(session, round_, person.id, today=TODAY)[0]
    for shown in (token.lower(), f" {token[:5]}-{token[5:]} "):
        assert satisfaction.ticket_of(session, shown, TODAY)[0].person_id == person.id
    for marks in ({}, {"visits": 5}, {**MARKS, "help": 6}, {**MARKS, "more": 1}):
        with pytest.raises(Refused):
            satisfaction.take(session, token, marks, today=TODAY)
    satisfaction.take(session, token, MARKS, today=TODAY)
    for odd in (token, "AAAAAAAAAA", "", "x" * 5000):
        with pytest.raises(NotFound):
            satisfaction.take(session, odd, MARKS, today=TODAY)
    with pytest.raises(NotFound):
        satisfaction.ticket_of(
            session,
            satisfaction.issue(session, round_, person.id, today=TODAY)[0],
            date(2026, 9, 1),
        )
    assert len(session.scalars(select(SatisfactionAnswer)).all()) == 1


def test_a_ticket_sent_twice_at_once_counts_once(session, world, round_, clean):
    token = satisfaction.issue(session, round_, world.person().id, today=TODAY)[0]
    session.commit()
    made, done = make_session_factory(clean), []

    def send():
        with made() as own:
            try:
                satisfaction.take(own, token, MARKS, today=TODAY)
                own.commit()
                done.append(True)
            except NotFound:
                own.rollback()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [True] and len(session.scalars(select(SatisfactionAnswer)).all()) == 1


def test_as_many_tickets_as_children_and_no_more(session, world, round_):
    person = world.person()
    assert (
        len(satisfaction.issue(session, round_, person.id, today=TODAY)) == satisfaction.MIN_TICKETS
    )
    for number in range(12):
        service.open_case(
            session,
            VILLAGE,
            f"01-{number:02d}",
            categories=["in-need"],
            known=known_cadences(TODAY),
            by="t",
            today=TODAY,
        )
    tokens = satisfaction.issue(session, round_, person.id, today=TODAY)
    assert len(tokens) == 12
    satisfaction.take(session, tokens[0], MARKS, today=TODAY)
    # Printed again: those before end, the used one stays used, and there are never more than twelve.
    again = satisfaction.issue(session, round_, person.id, today=TODAY)
    assert len(again) == 11
    with pytest.raises(NotFound):
        satisfaction.take(session, tokens[1], MARKS, today=TODAY)
    assert len(session.scalars(select(SatisfactionTicket)).all()) == 12


def test_nothing_tells_who_gave_which_answer(session, world, round_):
    names = {c.name for c in SatisfactionAnswer.__table__.c}
    assert names == {"key", "round_id", "person_id", "visits", "help", "manner"}
    token = satisfaction.issue(session, round_, world.person().id, today=TODAY)[0]
    kept = session.scalars(select(SatisfactionTicket.digest)).all()
    assert token not in "".join(kept)


def test_few_answers_are_not_shown_and_all_are_drawn_to_the_mean(session, world, round_):
    few, good, bad = (world.person() for _ in range(3))
    answer(session, round_, few, [1, 1, 1, 1])
    answer(session, round_, good, [5] * 6)
    answer(session, round_, bad, [3] * 8)
    found = satisfaction.satisfaction_in(session, "370283", 2026)
    assert found[few.id] == satisfaction.Satisfaction(4, None, None)
    district = Fraction(4 * 1 + 6 * 5 + 8 * 3, 18)
    for person, n, mean in ((good, 6, 5), (bad, 8, 3)):
        shrunk = (n * mean + 10 * district) / (n + 10)
        shown = (Decimal(shrunk.numerator) / shrunk.denominator).quantize(
            Decimal("0.01"), ROUND_HALF_UP
        )
        assert found[person.id].shown == shown and found[person.id].mean == mean
    assert found[bad.id].shown > 3 > 1 and found[good.id].shown < 5
    assert satisfaction.satisfaction_in(session, "370283", 2025) == {}
    assert satisfaction.satisfaction_in(session, "370281", 2026) == {}


def test_surveys_that_can_t_be(session, world, round_):
    with pytest.raises(Refused, match="正在进行"):
        satisfaction.open_round(
            session, DISTRICT, 2026, closes_on=TODAY + timedelta(days=9), by="t", today=TODAY
        )
    for closes in (TODAY, TODAY + timedelta(days=93)):
        with pytest.raises(Refused, match="三个月"):
            satisfaction.open_round(
                session, OTHER_DISTRICT, 2026, closes_on=closes, by="t", today=TODAY
            )
    with pytest.raises(NotFound):
        satisfaction.get_round(session, round_.id, "370281")
    assert satisfaction.get_round(session, round_.id, CITY[:4]) is round_


def test_drawing_and_deciding(session, world):
    person, entry = world.person(), add_case(session)
    for month in range(1, 6):
        add_visit(session, person, entry, date(2026, month, 5))
    assert checking.draw(session, "370283001", date(2026, 1, 1), until=TODAY, seed=7, by="t") == 3
    assert checking.draw(session, "370283001", date(2026, 1, 1), until=TODAY, seed=7, by="t") == 0
    assert checking.draw(session, "370281", date(2026, 1, 1), until=TODAY, seed=8, by="t") == 0
    number = session.scalars(select(VisitCheck.visit_id)).first()
    with pytest.raises(NotFound):
        checking.decide(session, number, "370281", confirmed=True, note="", by="t")
    with pytest.raises(Refused, match="写明"):
        checking.decide(session, number, TOWN[:9], confirmed=False, note="", by="t")
    checking.decide(session, number, TOWN[:9], confirmed=False, note="那天没有来", by="t")
    rows = checking.checks_in(session, TOWN[:9])
    assert [k.confirmed for k, _, _ in rows] == [None, None, False]
    assert {v.id for _, v, _ in rows} <= set(session.scalars(select(Visit.id)))
    for odd in (-1, 10**9):
        with pytest.raises(Refused, match="种子"):
            checking.draw(session, TOWN[:9], TODAY, until=TODAY, seed=odd, by="t")
