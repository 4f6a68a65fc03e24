"""The first page of a director."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from tests.factories import TOWN, VILLAGE, ZONE
from training_records.coverage.definition import standings
from training_records.database import now


def test_the_hours_at_home_are_those_of_the_coverage_today(session, world, sign_in):
    person = world.person()
    today = now().astimezone(ZONE).date()
    tomorrow = today + timedelta(days=1)
    world.entry(person, "course", today, hours=Decimal(3))
    world.entry(person, "training", today, hours=Decimal(4), level="镇(街)")  # as stored
    world.entry(person, "training", tomorrow, hours=Decimal("2.5"))
    world.entry(person, "exam", tomorrow, induction=True)
    (standing,) = standings(session, VILLAGE, today.year, as_of=today)
    assert (standing.hours, standing.exam_passed, standing.inducted) == (3, False, False)
    session.commit()
    page = sign_in(world.account(person=person)).get("/").text
    assert "已学 3 / 8 学时" in page and "还差 5 学时" in page
    assert "还没合格" in page and "还没通过" in page


def test_the_card_on_the_first_page_counts_what_its_link_lists(world, office):
    world.person()
    world.person(background_next_due=date(2020, 1, 1))
    world.person(background_next_due=date(2099, 1, 1))
    world.person(TOWN, "supervisor")
    assert '没登记的 <strong class="num">3</strong> 条' in office.get("/").text
    assert "共 3 条在任记录" in office.get("/ledger?due=1").text
