"""What somebody may take along of their own: everything that names them, and their learning as xAPI."""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from uuid import UUID

from exam_app.migrations.metadata import metadata
from tests.factories import BANK, VILLAGE, right_answer, study
from training_records.facts.loading import load_facts


def test_nothing_that_names_a_person_is_left_out(world, sign_in, session):
    account, other = world.account("director", VILLAGE), world.account("director", VILLAGE)
    api = sign_in(account)
    course = load_facts().courses[0]
    study(api, course)
    question = next(q for q in BANK if q.type == "single")
    answer = {"key": "k" * 12, "item": question.id, "response": right_answer(question)}
    api.post("/practice/answers", {"answers": [answer]})
    data = json.loads(api.get("/archive/mine.json").data)
    more = data["more"]
    assert len(more["unit_progress"]) == 12 and len(more["study_window"]) >= 12
    assert more["practice_answer"][0]["item_id"] == question.id and more["practice_card"]
    assert data["records"][0]["title"] == course.title
    text = json.dumps(data)
    assert "password_hash" not in text and str(other.phone) not in text
    # A table that is made later and names people can't be forgotten.
    named = {
        t.name for t in metadata.sorted_tables if "person_id" in t.c and t.c.person_id.foreign_keys
    }
    assert named >= set(more) and {"enrolment", "attendance", "reminder"} <= named


def test_learning_as_xapi(world, sign_in):
    person = world.person()
    world.entry(person, "training", date(2026, 3, 1), hours=4)
    world.entry(person, "exam", date(2026, 3, 2), passed=False, score=55)
    world.entry(person, "exam", date(2026, 3, 3))
    world.entry(person, "award", date(2026, 3, 3))
    world.entry(person, "check", date(2026, 3, 3))
    api = sign_in(world.account("director", VILLAGE, person))
    answer = api.get("/archive/mine.xapi.json")
    found = json.loads(answer.data)
    assert answer.mimetype == "application/json" and len(found) == 3
    verbs = {s["verb"]["id"].rpartition("/")[2] for s in found}
    assert verbs == {"attended", "passed", "failed"}
    for told in found:
        # The parts that ADL's specification asks for, and identities that are addresses or UUIDs.
        assert UUID(told["id"]) and told["version"] == "1.0.3"
        assert set(told["actor"]["account"]) == {"homePage", "name"}
        assert told["verb"]["id"].startswith("http") and told["object"]["id"].startswith("http")
        assert datetime.fromisoformat(told["timestamp"]).tzinfo
    attended = next(s for s in found if s["verb"]["id"].endswith("attended"))
    assert attended["result"]["duration"] == "PT180M"
    assert person.name not in answer.text and person.phone not in answer.text
    assert re.search(r"person-\d+", answer.text)
    # The same record is the same statement, whenever it is taken.
    assert json.loads(api.get("/archive/mine.xapi.json").data) == found
