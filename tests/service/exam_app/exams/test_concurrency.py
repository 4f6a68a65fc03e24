"""The same request sent many times at the same moment has one effect."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from exam_app.exams.models import Answer, Attempt, AttemptEvent
from tests.conftest import Api
from tests.factories import PASSWORD, VILLAGE, keys, right_form, study
from training_records.archive.models import ArchiveEntry
from training_records.archive.service import verify
from training_records.certificates.models import Certificate

TIMES = 8


@pytest.fixture
def phones(app, world):
    """One person signed in on several phones, and an exam."""
    account = world.account("director", VILLAGE)
    exam = world.exam()
    return [Api(app, account.phone, PASSWORD) for _ in range(TIMES)], exam


def at_once(calls):
    with ThreadPoolExecutor(TIMES) as pool:
        return [f.result() for f in [pool.submit(c) for c in calls]]


def count(session, table):
    return session.scalar(select(func.count()).select_from(table))


def test_starting_saving_and_submitting_at_once(session, phones):
    apis, exam = phones
    right = keys(exam)
    path = f"/api/v1/exams/{exam.id}/attempts"
    session.rollback()
    started = at_once([lambda a=a: a.post(path) for a in apis])
    assert {s.status_code for s in started} == {200}
    (attempt,) = {s.json["attempt_id"] for s in started}
    assert count(session, Attempt) == 1
    session.rollback()

    body = {"answers": [{"slot": s, "response": k, "seq": 1} for s, k in right.items()]}
    saved = at_once([lambda a=a: a.put(f"/api/v1/attempts/{attempt}/answers", body) for a in apis])
    # One of the phones holds the attempt; the others are told, and may take it back.
    assert sorted(s.status_code for s in saved) == [200] + [409] * (TIMES - 1)
    assert {s.json.get("taken_over") for s in saved} == {None, True}
    (api,) = [a for a, s in zip(apis, saved, strict=True) if s.status_code == 200]
    saved = at_once([lambda: api.put(f"/api/v1/attempts/{attempt}/answers", body)] * TIMES)
    assert all(s.json["saved"] == dict.fromkeys(right, 1) for s in saved)
    assert count(session, Answer) == len(right)
    session.rollback()

    expected = {"expected": dict.fromkeys(right, 1)}
    closed = at_once(
        [lambda a=a: a.post(f"/api/v1/attempts/{attempt}/submit", expected) for a in apis]
    )
    assert {(c.status_code, c.json["score"]) for c in closed} == {(200, 100.0)}
    assert count(session, Certificate) == 1
    assert [e.kind for e in session.scalars(select(ArchiveEntry).order_by(ArchiveEntry.id))] == [
        "exam",
        "certificate",
    ]
    assert count(session, AttemptEvent) == 4
    assert verify(session)[1] == []


def test_people_of_one_district_finish_at_once(app, session, world):
    exam = world.exam()
    accounts = [world.account("director", VILLAGE) for _ in range(TIMES)]
    apis = [Api(app, a.phone, PASSWORD) for a in accounts]

    path = f"/api/v1/exams/{exam.id}/attempts"
    session.rollback()

    def sit(api):
        attempt = api.post(path).json["attempt_id"]
        return api.post(f"/api/v1/attempts/{attempt}/submit")

    assert {r.status_code for r in at_once([lambda a=a: sit(a) for a in apis])} == {200}
    entries, breaks = verify(session)
    assert (entries, breaks) == (TIMES, [])


def test_a_unit_finished_twice_files_the_course_once(session, phones):
    from training_records.facts.loading import load_facts

    apis, _ = phones
    course = load_facts().courses[0]
    study(apis[0], course.model_copy(update={"units": course.units[:-1]}))
    last = f"/learn/{course.id}/{course.units[-1].id}"
    form = right_form(apis[0].get(last).text)
    at_once([lambda a=a: a.form(last, **form) for a in apis])
    assert count(session, ArchiveEntry) == 1
