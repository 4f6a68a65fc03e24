from __future__ import annotations

import json
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from exam_app.exams import save_middleware, saving, service
from exam_app.exams.models import Answer, Attempt, LateAnswer
from exam_app.exams.saving import NewAnswer, SqliteSaver
from exam_app.exams.slots import shapes_of
from exam_app.exams.ticket import COOKIE, Ticket, path_of
from tests.conftest import Api
from tests.factories import PASSWORD, VILLAGE
from training_records.database import now


@pytest.fixture
def exam(world):
    return world.exam()


@pytest.fixture
def account(world):
    return world.account("director", VILLAGE)


@pytest.fixture
def api(account, sign_in):
    return sign_in(account)


def begin(api, exam):
    answer = api.post(f"/api/v1/exams/{exam.id}/attempts")
    assert answer.status_code == 200, answer.json
    return answer.json["attempt_id"]


def save(api, attempt, seq, slot="1", response=None):
    body = {"answers": [{"slot": slot, "response": response, "seq": seq}]}
    return api.put(f"/api/v1/attempts/{attempt}/answers", body)


def test_the_door_and_the_view_give_the_same_answer(api, exam, monkeypatch):
    attempt = begin(api, exam)
    at_the_door = save(api, attempt, 1)
    assert at_the_door.headers["Content-Security-Policy"].startswith("default-src 'none'")
    monkeypatch.setattr(save_middleware.SaveMiddleware, "_ticket", lambda self, environ: None)
    in_the_view = save(api, attempt, 2)
    assert in_the_view.headers["Content-Security-Policy"].startswith("default-src 'self'")
    for answer, seq in ((at_the_door, 1), (in_the_view, 2)):
        assert answer.status_code == 200 and answer.json["saved"] == {"1": seq}
        assert set(answer.json) == {"saved", "server_time", "deadline"}
        assert answer.headers["X-Request-ID"] and answer.headers["Cache-Control"] == "no-store"
    assert at_the_door.json["deadline"] == in_the_view.json["deadline"]


def test_without_the_checked_token_the_view_asks(api, exam):
    attempt = begin(api, exam)
    headers = dict(api.headers)
    api.headers["X-CSRF-Token"] = "forged"
    assert save(api, attempt, 1).status_code == 400
    api.headers.clear()
    assert save(api, attempt, 1).status_code == 400
    api.headers.update(headers)
    assert save(api, attempt, 1).status_code == 200


def test_a_save_needs_no_ticket(api, exam):
    attempt = begin(api, exam)
    api.client.delete_cookie(COOKIE, path=path_of(attempt))
    assert save(api, attempt, 1).json["saved"] == {"1": 1}


def test_a_ticket_is_for_one_attempt_of_one_sign_in(app, world, api, exam):
    attempt = begin(api, exam)
    ticket = api.client.get_cookie(COOKIE, path=path_of(attempt)).value
    other = Api(app, world.account("director", VILLAGE).phone, PASSWORD)
    theirs = begin(other, exam)
    assert save(other, attempt, 1).status_code == 404
    # The stolen cookie without the sign-in's own CSRF token goes the long way, to the same end.
    other.client.set_cookie(COOKIE, ticket, path=path_of(attempt))
    assert save(other, attempt, 1).status_code == 404
    other.client.set_cookie(COOKIE, ticket, path=path_of(theirs))
    assert save(other, theirs, 1).status_code == 200


def test_the_newer_phone_takes_over_and_the_older_may_take_back(app, account, exam):
    first, second = (Api(app, account.phone, PASSWORD) for _ in range(2))
    attempt = begin(first, exam)
    assert save(first, attempt, 1).status_code == 200
    assert begin(second, exam) == attempt
    told = save(first, attempt, 2)
    assert told.status_code == 409 and told.json["taken_over"] is True
    assert "另一部手机" in told.json["detail"]
    assert save(second, attempt, 3).json["saved"] == {"1": 3}
    assert begin(first, exam) == attempt
    assert save(first, attempt, 4).json["saved"] == {"1": 4}
    assert save(second, attempt, 5).json["taken_over"] is True


def test_signing_out_ends_saving_and_signing_in_again_goes_on(app, account, api, exam):
    attempt = begin(api, exam)
    assert save(api, attempt, 1).status_code == 200
    api.client.post("/logout", headers=api.headers)
    assert save(api, attempt, 2).status_code in (400, 401)
    again = Api(app, account.phone, PASSWORD)
    assert begin(again, exam) == attempt
    assert save(again, attempt, 2).json["saved"] == {"1": 2}


def test_another_person_signing_in_on_the_phone_ends_the_first_ones_exam(session, world, api, exam):
    attempt = begin(api, exam)
    other = world.account("director", VILLAGE)
    token = api.client.post("/api/v1/login", json={"phone": other.phone, "password": PASSWORD}).json
    # Refused with the first one's token (which is no longer the browser's), nothing is saved.
    assert save(api, attempt, 1).status_code in (400, 401)
    assert session.scalar(select(func.count()).select_from(Answer)) == 0
    session.rollback()
    api.headers["X-CSRF-Token"] = token["csrf_token"]
    assert save(api, attempt, 1).status_code == 404


def test_a_new_deadline_is_seen_without_a_new_ticket(session, api, exam, clock):
    attempt = begin(api, exam)
    row = session.get_one(Attempt, attempt)
    later = row.deadline + timedelta(minutes=10)
    row.deadline = later
    session.commit()
    clock.at = later - timedelta(minutes=1)
    answer = save(api, attempt, 1)
    assert answer.status_code == 200
    assert answer.json["deadline"] == later.isoformat(timespec="milliseconds")


def test_a_late_answer_is_kept_once(session, api, exam, clock):
    attempt = begin(api, exam)
    clock.at = session.get_one(Attempt, attempt).deadline + timedelta(seconds=61)
    session.rollback()
    refused = save(api, attempt, 1)
    assert refused.status_code == 409 and refused.json["late"] is True
    assert session.scalar(select(func.count()).select_from(LateAnswer)) == 1
    assert session.scalar(select(func.count()).select_from(Answer)) == 0


def test_the_seconds_of_the_counted_answer_are_kept(session, world, saver, exam):
    person = world.person()
    attempt = service.start(session, exam.id, person.id)
    ticket = Ticket(attempt.id, person.id, None, shapes_of(attempt))
    session.commit()

    def seconds_after(*answers):
        saver.save(ticket, answers, now())
        session.expire_all()
        found = dict(session.execute(select(Answer.slot, Answer.seconds)).all())
        session.commit()
        return found

    first = [NewAnswer("1", None, 5, 12), NewAnswer("2", None, 1)]
    assert seconds_after(*first) == {"1": 12, "2": None}
    assert seconds_after(NewAnswer("1", None, 4, 99))["1"] == 12
    assert seconds_after(NewAnswer("1", None, 6, 20))["1"] == 20
    assert seconds_after(NewAnswer("1", None, 7))["1"] == 20
    assert seconds_after(NewAnswer("2", None, 2, 3), NewAnswer("1", None, 8, 21)) == {
        "1": 21,
        "2": 3,
    }


@pytest.mark.parametrize("seconds", [-1, 86401, 1.5, "3", True])
def test_seconds_that_are_none_are_refused(api, exam, seconds):
    attempt = begin(api, exam)
    body = {"answers": [{"slot": "1", "response": None, "seq": 1, "seconds": seconds}]}
    assert api.put(f"/api/v1/attempts/{attempt}/answers", body).status_code == 422


def test_seconds_come_back_with_the_answers(api, exam):
    attempt = begin(api, exam)
    body = {"answers": [{"slot": "1", "response": None, "seq": 1, "seconds": 7}]}
    assert api.put(f"/api/v1/attempts/{attempt}/answers", body).status_code == 200
    again = api.post(f"/api/v1/exams/{exam.id}/attempts").json
    assert again["answers"]["1"] == {"response": None, "seq": 1} and again["seconds"] == {"1": 7}


def test_saves_at_once_are_all_there(session, world, saver, exam):
    """64 saves of 16 examinees from 16 threads: each acknowledged one is in the database."""
    tickets = []
    for _ in range(16):
        person = world.person()
        attempt = service.start(session, exam.id, person.id)
        tickets.append(Ticket(attempt.id, person.id, None, shapes_of(attempt)))
    session.commit()

    def one(n):
        ticket = tickets[n % 16]
        slot = str(n // 16 + 1)
        return ticket.attempt_id, slot, saver.save(ticket, [NewAnswer(slot, None, n + 1)], now())

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(one, range(64)))
    stored = {(a.attempt_id, a.slot): a.seq for a in session.scalars(select(Answer))}
    assert len(stored) == 64
    for n, (attempt, slot, result) in enumerate(results):
        assert result.stored == {slot: n + 1} and stored[attempt, slot] == n + 1


class Shared:
    """A path to an own database with one table of each that a save touches."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "x.db"
        connection = sqlite3.connect(self.path)
        connection.executescript(
            """
            CREATE TABLE account (id INTEGER PRIMARY KEY, active BOOL);
            CREATE TABLE login_session (token_hash TEXT PRIMARY KEY, account_id INT, expires_at TEXT);
            CREATE TABLE attempt (id INTEGER PRIMARY KEY, person_id INT, state TEXT, deadline TEXT, holder TEXT,
              district TEXT, year INT);
            CREATE TABLE answer (attempt_id INT, slot TEXT, seq INT CHECK (seq <> 13), response TEXT,
              saved_at TEXT, seconds INT, district TEXT, year INT, PRIMARY KEY (attempt_id, slot));
            INSERT INTO attempt VALUES (1, 1, 'in_progress', '2999-01-01 00:00:00.000000', NULL,
              '370283000000', 2026);
            """
        )
        connection.close()


def test_waiting_saves_share_a_transaction_and_a_bad_one_costs_only_itself(tmp_path, monkeypatch):
    saver = SqliteSaver(Shared(tmp_path).path)
    ticket = Ticket(1, 1, None, ())
    batches = []
    commit = SqliteSaver._commit

    def slowly(self, batch):
        batches.append(len(batch))
        # The first one waits until the others have come.
        end = time.monotonic() + 20
        while len(batches) == 1 and len(batch) + len(self._waiting) < 8 and time.monotonic() < end:
            time.sleep(0.001)
        commit(self, batch)

    monkeypatch.setattr(saving, "GATHER", 0)
    monkeypatch.setattr(SqliteSaver, "_commit", slowly)

    def one(seq):
        try:
            return saver.save(ticket, [NewAnswer(str(seq), None, seq)], now()).stored
        except OperationalError:
            return None

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(one, range(10, 18)))
    assert results == [None if seq == 13 else {str(seq): seq} for seq in range(10, 18)]
    # Whoever led first, all the others shared one.
    assert batches[0] + max(batches[1:]) == 8
    saver.close()
    assert saver.save(ticket, [NewAnswer("30", None, 1)], now()).verdict == "saved"
    saver.close()


def test_a_transaction_gathers_until_enough_are_there_or_it_has_waited(tmp_path, monkeypatch):
    saver = SqliteSaver(Shared(tmp_path).path)
    ticket = Ticket(1, 1, None, ())
    batches = []
    commit = SqliteSaver._commit

    def noted(self, batch):
        batches.append(len(batch))
        commit(self, batch)

    monkeypatch.setattr(SqliteSaver, "_commit", noted)
    monkeypatch.setattr(saving, "GATHER", 60)
    monkeypatch.setattr(saving, "ENOUGH", 3)
    save = partial(saver.save, ticket, at=now())
    answers = [[NewAnswer(str(seq), None, seq)] for seq in (1, 2, 3)]
    began = time.monotonic()
    with ThreadPoolExecutor(3) as pool:
        assert [done.verdict for done in pool.map(save, answers)] == ["saved"] * 3
    assert batches == [3] and time.monotonic() - began < 30
    monkeypatch.setattr(saving, "GATHER", 0.05)
    assert save(answers[0]).stored == {"1": 1}
    assert batches == [3, 1]
    saver.close()


def test_a_locked_database_says_so_and_recovers(tmp_path, monkeypatch):
    shared = Shared(tmp_path)
    monkeypatch.setattr(saving, "WAIT", 0.1)
    saver, ticket = SqliteSaver(shared.path), Ticket(1, 1, None, ())
    other = sqlite3.connect(shared.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(OperationalError):
        saver.save(ticket, [NewAnswer("1", None, 1)], now())
    other.execute("ROLLBACK")
    assert saver.save(ticket, [NewAnswer("1", None, 1)], now()).stored == {"1": 1}
    saver.close()
    other.close()


def test_the_beacon_of_a_closing_page_saves_by_its_ticket(session, world, sign_in, api, exam):
    start = f"/api/v1/exams/{exam.id}/attempts"
    opened = api.post(start).json
    path = f"/api/v1/attempts/{opened['attempt_id']}/beacon"
    body = {"answers": [{"slot": "1", "response": None, "seq": 7}], "left": 2}

    def send(**more):
        # As navigator.sendBeacon does: text, and no header of ours.
        return api.client.post(path, data=json.dumps({**body, **more}), content_type="text/plain")

    assert send(ticket=opened["ticket"]).json["saved"] == {"1": 7}
    assert session.get_one(Attempt, opened["attempt_id"]).left_count == 2
    session.rollback()
    assert send(ticket=opened["ticket"], left=1).status_code == 200
    session.expire_all()
    assert session.get_one(Attempt, opened["attempt_id"]).left_count == 2
    session.rollback()
    assert send(ticket="forged").status_code == 404
    assert send().status_code == 422
    other = sign_in(world.account("director", VILLAGE))
    theirs = other.post(start).json
    assert send(ticket=theirs["ticket"]).status_code == 404
    # Half an emoji is no ticket.
    assert send(ticket="\ud83d").status_code == 404
    # Only the beacon takes what does not call itself JSON.
    login = api.client.post(
        "/api/v1/login", data='{"phone": "1", "password": "2"}', content_type="text/plain"
    )
    assert login.status_code == 400
