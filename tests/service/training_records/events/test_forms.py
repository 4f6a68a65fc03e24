"""How a training is held is stored as a key; a label from before there were keys counts the same."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from tests.factories import CITY, ZONE
from tests.service.training_records.events.test_events import START, Desk
from training_records.archive import forms
from training_records.archive.external import FORMS
from training_records.archive.models import ArchiveEntry
from training_records.errors import Refused
from training_records.events import filing, planning
from training_records.events.models import Event, PlanLine


@pytest.fixture
def desk(session, world, clock):
    return Desk(session, world, clock)


def as_stored(session, event, form):
    """The event with a form as this or an earlier version stored it."""
    session.execute(update(Event).where(Event.id == event.id).values(form=form))
    session.commit()
    session.expire_all()
    return event


@pytest.mark.parametrize("key", forms.TRAINING_FORMS)
def test_keys_and_labels_are_read_alike(key):
    label = forms.TRAINING_FORMS[key]
    assert forms.form_key(key) == forms.form_key(label) == key
    assert forms.form_label(key) == forms.form_label(label) == label
    assert label in FORMS


def test_what_is_no_form_stays():
    assert forms.form_key("函授") == forms.form_label("函授") == "函授"


@pytest.mark.parametrize("form", ["live", "直播"])
def test_what_is_broadcast_needs_no_place(desk, form):
    event = as_stored(desk.session, desk.event(opened=False, place=""), form)
    planning.announce(desk.session, event, "t")
    assert event.state == "open"


@pytest.mark.parametrize("form", ["in_person", "面授", "self_study", "函授"])
def test_all_else_needs_one(desk, form):
    event = as_stored(desk.session, desk.event(opened=False, place=""), form)
    with pytest.raises(Refused, match="地点"):
        planning.announce(desk.session, event, "t")


def test_new_rows_hold_keys(desk):
    values = {"title": "班", "audience": "both", "form": "案例研讨", "heads": 10, "month": 3}
    line = planning.add_plan(
        desk.session, CITY, 2026, by="t", **values, hours=Decimal(8), budget=Decimal(0)
    )
    event = planning.start_planned(desk.session, line, "民政局", by="t", zone=ZONE)
    planning.edit(desk.session, event, "t", values={"form": "跟岗"})
    desk.session.commit()
    assert desk.session.scalars(select(PlanLine.form)).all() == ["case_study"]
    assert desk.session.scalars(select(Event.form)).all() == ["shadowing"]


@pytest.mark.parametrize("form", ["in_person", "面授"])
def test_saving_the_same_form_is_no_change(desk, form):
    event = as_stored(desk.session, desk.event(), form)
    planning.edit(desk.session, event, "t", values={"form": "面授", "place": "党校"})
    assert planning.notes_of(desk.session, event, "")[0].text == "发布通知"
    planning.edit(desk.session, event, "t", values={"form": "直播"})
    assert event.form == "live"
    assert planning.notes_of(desk.session, event, "")[0].text == "发通知后改过基本信息"


@pytest.mark.parametrize("form", ["live", "直播"])
def test_the_archive_says_it_in_words(desk, form):
    event = as_stored(desk.session, desk.event(sessions=1), form)
    person = desk.world.person()
    desk.take(event, [person])
    desk.clock.at = START
    desk.sign(event.sessions[0], person)
    desk.clock.at = START + timedelta(hours=4)
    filing.file_event(desk.session, event, "王五", by="t", zone=ZONE)
    assert desk.session.scalars(select(ArchiveEntry.form)).all() == ["直播"]
    desk.session.commit()
