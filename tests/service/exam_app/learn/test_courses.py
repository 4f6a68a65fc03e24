"""A course by page, from its first unit to its hours."""

from __future__ import annotations

from tests.factories import VILLAGE, study
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
