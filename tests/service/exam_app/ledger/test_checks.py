"""A background check's result reads the same whether a key is stored or a label from before there were keys."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from exam_app.archive.data import person_data
from exam_app.reminders.rules import due_on
from tests.factories import ZONE
from training_records.ledger.models import Person

NOON = datetime(2026, 11, 24, 12, tzinfo=ZONE)
STORED = ("clean", "无记录")


def person_with(world, result):
    return world.person(
        background_checked_on=date(2026, 1, 5),
        background_result=result,
        background_next_due=date(2026, 12, 5),
    )


@pytest.mark.parametrize("stored", STORED)
def test_the_page_of_a_person_shows_the_label(session, world, office, stored):
    person = person_with(world, stored)
    session.commit()
    url = f"/ledger/people/{person.id}"
    page = office.get(url).text
    assert "无记录" in page.partition('id="check"')[2].partition("<form")[0]
    assert 'value="无记录"' in page and "clean" not in page
    check = {"background_checked_on": "2026-11-01"}
    refused = office.form(f"{url}/check", **check, background_result="clean")
    assert refused.status_code == 422 and "请写汉字" in refused.text
    assert office.form(f"{url}/check", **check, background_result="有记录").status_code == 302
    session.expire_all()
    assert session.get_one(Person, person.id).background_result == "record"
    page = office.get(url).text
    assert "无记录 → 有记录" in page and "record" not in page.partition('id="history"')[2]


def test_the_form_for_somebody_new_offers_the_label(office, world):
    assert 'value="无记录"' in office.get("/ledger/people/new").text


def test_both_are_reminded_the_same_and_told_in_words(session, world):
    people = [person_with(world, stored) for stored in STORED]
    due = {d.person_id for d in due_on(session, NOON, ZONE) if d.kind == "check"}
    assert due == {p.id for p in people}
    assert {person_data(session, p)["ledger"]["background_result"] for p in people} == {"无记录"}
