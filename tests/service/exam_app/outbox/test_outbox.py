"""What a phone brings after it was without a network: each item is judged alone, and counts once."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from exam_app.learn import study
from exam_app.outbox.models import OutboxItem
from exam_app.practice.models import PracticeAnswer
from tests.factories import BANK, OTHER_VILLAGE, VILLAGE
from training_records.database import now
from training_records.ledger.models import Post
from training_records.work.models import Visit

QUESTION = next(q for q in BANK if q.type == "single")


@pytest.fixture
def phone(world, sign_in):
    return sign_in(world.account("director", VILLAGE))


@pytest.fixture
def case(phone):
    phone.form("/caseload", code="03-07", categories=["orphan"])
    return phone.get("/visits/data.json").json["due"][0]["case"]


def today(phone):
    return phone.get("/visits/data.json").json["today"]


def item(kind, body, key, **more):
    made = (now() - timedelta(hours=1)).isoformat()
    row = {"id": key * 12, "seq": ord(key), "kind": kind, "base": None, "made_at": made}
    return {**row, "body": body, **more}


def visit(phone, case, key="v", **more):
    body = {"case": case, "on": today(phone), "form": "home", "findings": {}, **more}
    return item("visit", body, key)


def practice(key="p", **more):
    return item("practice", {"item": QUESTION.id, "response": QUESTION.key, **more}, key)


def bring(phone, *items, **more):
    body = {"device": "d" * 12, "held": len(items), "items": list(items), **more}
    # As a browser writes it: half an emoji goes out as an escape.
    headers = {**phone.headers, "Content-Type": "application/json"}
    return phone.client.post("/api/v1/outbox", data=json.dumps(body), headers=headers)


def outcomes(answer):
    assert answer.status_code == 200, answer.json
    return [r["outcome"] for r in answer.json["results"]]


def test_an_item_counts_once_for_ever(session, phone, case):
    batch = [visit(phone, case), practice()]
    answer = bring(phone, *batch)
    assert outcomes(answer) == ["stored", "stored"]
    assert [r["id"] for r in answer.json["results"]] == ["v" * 12, "p" * 12]
    assert answer.json["server_time"]
    assert outcomes(bring(phone, *batch, batch[0])) == ["duplicate"] * 3
    assert len(session.scalars(select(Visit)).all()) == 1
    assert len(session.scalars(select(PracticeAnswer)).all()) == 1
    assert len(session.scalars(select(OutboxItem)).all()) == 2
    session.commit()


def test_what_an_older_page_brought_is_a_duplicate(phone, case):
    """A phone takes its old queue over under the same keys."""
    old = {**visit(phone, case)["body"], "key": "v" * 12}
    assert phone.post("/visits/sync", {"visits": [old]}).json["taken"] == ["v" * 12]
    assert outcomes(bring(phone, visit(phone, case))) == ["duplicate"]


def test_one_bad_item_never_blocks_the_others(session, phone, case):
    bad = [
        visit(phone, 10**6, "a"),
        visit(phone, case, "b", findings={"姓名": "王小明"}),
        visit(phone, case, "c", on="31.2.2026"),
        visit(phone, case, "d", on=(date.fromisoformat(today(phone)) + timedelta(1)).isoformat()),
        practice("e", response=["x"]),
        practice("f", item="no-such-item"),
        item("poem", {}, "g"),
        {**practice("h"), "made_at": "yesterday"},
        {**practice("o"), "made_at": "0001-01-01T00:00:00+14:00"},
        item("study", {"window": 10**6, "at": 3}, "i"),
        practice("j", response="\ud83d"),
        practice("k", response="a\u0000b"),
        {**practice("l"), "id": "\ud83d" * 10},
        visit(phone, case, "m", findings={"\ud83d": "\ud83d"}),
        visit(phone, case, "n", findings={"a\u0000": "b"}),
        "text",
    ]
    answer = bring(phone, *bad, visit(phone, case), practice())
    assert outcomes(answer) == ["refused"] * len(bad) + ["stored", "stored"]
    assert all(r["detail"] for r in answer.json["results"][: len(bad)])
    assert answer.json["results"][3]["detail"] == "走访日期只能是最近两个月里的，不能晚于今天"
    assert len(session.scalars(select(OutboxItem)).all()) == 2
    session.commit()


def test_what_is_wrong_is_called_as_the_form_calls_it(phone, case):
    answer = bring(phone, visit(phone, case, on=""), visit(phone, case, "w", next="明天"))
    assert [r["detail"] for r in answer.json["results"]] == [
        "“哪一天”没有填，或填得不对",
        "“下次什么时候去”没有填，或填得不对",
    ]


def test_what_was_refused_can_be_mended_under_its_id(phone, case):
    tomorrow = (date.fromisoformat(today(phone)) + timedelta(1)).isoformat()
    assert outcomes(bring(phone, visit(phone, case, on=tomorrow))) == ["refused"]
    assert outcomes(bring(phone, visit(phone, case))) == ["stored"]


def test_the_posts_of_the_visit_s_day_count(session, phone, case):
    """The director moved before the phone had a network."""
    day = date.fromisoformat(today(phone))
    post = session.scalars(select(Post).where(Post.division_code == VILLAGE)).one()
    post.end = day - timedelta(2)
    session.add(
        Post(
            person_id=post.person_id,
            role="director",
            division_code=OTHER_VILLAGE,
            start=day - timedelta(1),
        )
    )
    session.commit()
    before, after = (
        visit(phone, case, key, on=(day - timedelta(days)).isoformat())
        for key, days in (("a", 3), ("b", 1))
    )
    answer = bring(phone, before, after)
    assert outcomes(answer) == ["stored", "refused"]
    assert answer.json["results"][1]["detail"] == "名单里没有这个代号"


def test_practice_counts_for_when_it_was_made(session, phone):
    bring(phone, {**practice("a"), "made_at": (now() - timedelta(days=2)).isoformat()})
    bring(phone, {**practice("b"), "made_at": (now() + timedelta(days=2)).isoformat()})
    first, second = session.scalars(select(PracticeAnswer).order_by(PracticeAnswer.key))
    assert timedelta(days=1.9) < now() - first.answered_at < timedelta(days=2.1)
    assert second.answered_at <= now()
    session.commit()


def test_a_place_in_a_recording_told_late_adds_no_time(session, phone):
    person = phone.user["person_id"]
    row, window = study.open_window(session, person, "induction", unit_id="visits")
    session.commit()
    assert outcomes(bring(phone, item("study", {"window": window.id, "at": 61.5}, "s"))) == [
        "stored"
    ]
    session.refresh(row)
    assert (row.position, row.ms) == (61, 0)
    session.commit()


def test_nothing_is_judged_without_the_right_sign_in(app, session, phone, case):
    batch = [visit(phone, case)]
    answer = bring(phone, *batch, account=phone.user["id"] + 1)
    assert answer.status_code == 403 and answer.json["type"].endswith("another-account")
    body = {"device": "d" * 12, "held": 1, "items": batch}
    client = app.test_client()
    token = client.get("/login").text.split('name="csrf_token" type="hidden" value="')
    headers = {"X-CSRF-Token": token[1].split('"')[0]} if len(token) > 1 else {}
    answer = client.post("/api/v1/outbox", json=body, headers=headers)
    assert answer.status_code in (400, 401)
    assert outcomes(bring(phone, *batch, account=phone.user["id"])) == ["stored"]


def test_too_many_at_once(phone):
    assert bring(phone, *[practice()] * 101).status_code == 422
