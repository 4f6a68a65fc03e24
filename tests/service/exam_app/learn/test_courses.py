"""A course by page, from its first unit to its hours."""

from __future__ import annotations

import io
import re

from tests.factories import DISTRICT, VILLAGE, study
from training_records.facts.loading import load_facts


def test_a_course_gives_its_hours_once_all_units_are_done(world, sign_in):
    account = world.account("director", VILLAGE)
    api = sign_in(account)
    course = load_facts().courses[0]
    assert "开始学习" in api.get("/").text
    # A unit that was never opened is not finished by asking for it.
    assert api.form(f"/learn/{course.id}/{course.units[0].id}").status_code == 302
    study(api, course)
    records = api.get(f"/api/v1/people/{account.person_id}/records").json["records"]
    assert [(r["kind"], r["hours"], r["level"], r["organiser"]) for r in records] == [
        ("course", 8.0, "区（市）", "平度市民政局")
    ]
    api.form(f"/learn/{course.id}/{course.units[0].id}")
    assert len(api.get(f"/api/v1/people/{account.person_id}/records").json["records"]) == 1


def test_what_a_trainer_typed_comes_back_when_it_is_refused(world, sign_in):
    trainer = sign_in(world.account("district", DISTRICT))
    refused = trainer.form("/courses", title="课" * 61)
    assert refused.status_code == 422 and "课" * 61 in refused.text
    course = trainer.form("/courses", title="夜里的电话").location
    page = trainer.get(course).text
    refused = trainer.form(
        course, edits=re.search(r'name="edits" value="(\d+)"', page)[1], title="接电话", prefix="99"
    )
    assert refused.status_code == 422 and "只能发给您管理范围里的人" in refused.text
    assert 'value="接电话"' in refused.text
    unit = re.search(r'href="(/courses/\d+/units/[^"]+)"', page)[1]
    edits = re.search(r'name="edits" value="(\d+)"', trainer.get(unit).text)[1]
    typed = {"edits": edits, "title": "先听完", "text": "先听完，再问。", "minutes": "45"}
    refused = trainer.form(unit, **typed, recording=(io.BytesIO(b"no recording"), "a.txt"))
    assert refused.status_code == 422 and "先听完，再问。" in refused.text
    assert trainer.form(unit, **typed).status_code == 302
    assert "先听完，再问。" in trainer.get(unit).text


def test_two_taps_make_one_course(world, sign_in):
    trainer = sign_in(world.account("district", DISTRICT))
    once = re.search(r'name="once" value="([0-9a-f]{32})"', trainer.get("/courses").text)[1]
    first = trainer.form("/courses", title="夜里的电话", once=once)
    assert trainer.form("/courses", title="夜里的电话", once=once).location == first.location
    assert trainer.get("/courses").text.count("夜里的电话") == 1
