"""A person's data taken away: nowhere to be found, and the archive's proof holds. What is kept no longer than needed."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from exam_app.audit.service import record
from exam_app.audit.service import verify as verify_audit
from exam_app.cli import cli
from exam_app.identity.models import Account, LoginSession, Throttle
from exam_app.migrations.metadata import metadata
from exam_app.operations.erasure import erase
from exam_app.operations.retention import apply, rules
from tests.factories import VILLAGE
from training_records.archive.service import entries_of, verify
from training_records.database import now
from training_records.errors import Refused
from training_records.ledger import service
from training_records.ledger.models import Person, Post

TODAY = date(2026, 11, 24)
NAME, PHONE, CARD = "欧阳秀兰", "13987654321", "370283197001011234"


@pytest.fixture
def left(session, world, sign_in):
    """Somebody who left six years ago, with something in many tables."""
    person = world.person(VILLAGE, name=NAME, phone=PHONE, start=date(2018, 1, 1))
    person.email, person.workplace, person.identity_digest = "a@b.example", f"{NAME}的店", CARD
    world.entry(person, "training", date(2019, 3, 1))
    world.entry(person, "exam", date(2019, 3, 2))
    api = sign_in(world.account("director", VILLAGE, person))
    api.form("/archive/mine/correct", entry="", text=f"{NAME}的生日错了")
    api.form("/caseload", code="01-01", categories=["orphan"])
    service.edit_person(
        session, person, {"email": f"{PHONE}@b.example"}, by="t", reason=f"{NAME}来电"
    )
    session.scalars(select(Post).where(Post.person_id == person.id)).one().end = date(2020, 5, 1)
    session.commit()
    return person


def everywhere(session, words):
    """(table, column) where a word stands."""
    found = []
    for table in metadata.sorted_tables:
        for row in session.execute(select(table)).mappings():
            for column, value in row.items():
                text = (
                    value
                    if isinstance(value, str)
                    else json.dumps(value, default=str, ensure_ascii=False)
                )
                if any(word in text for word in words):
                    found.append((table.name, column))
    return found


def test_nowhere_to_be_found_and_the_proof_holds(session, world, left):
    words = (NAME, PHONE, CARD, "a@b.example")
    assert len(everywhere(session, words)) >= 6
    entries = [e.hash for e in entries_of(session, left.id)]
    erase(session, left, TODAY)
    session.commit()
    assert everywhere(session, words) == []
    assert [e.hash for e in entries_of(session, left.id)] == entries
    assert verify(session)[1] == [] and verify_audit(session)[1] == []
    account = session.scalar(select(Account).where(Account.person_id == left.id))
    assert not account.active
    assert session.scalars(select(LoginSession)).all() == []
    # The phone may be somebody else's now.
    service.register(session, {"name": "新人", "phone": PHONE}, "t")
    session.commit()


def test_not_before_the_time_is_over(session, world):
    there = world.person(VILLAGE, start=date(2018, 1, 1))
    with pytest.raises(Refused, match="还在任"):
        erase(session, there, TODAY)
    post = session.scalars(select(Post).where(Post.person_id == there.id)).one()
    post.end = TODAY - timedelta(days=365 * rules()["years_after_leaving"] - 10)
    session.flush()
    with pytest.raises(Refused, match="要满 5 年"):
        erase(session, there, TODAY)
    post.end = date(2020, 2, 29)
    session.flush()
    erase(session, there, date(2025, 3, 1))
    assert there.name == "已注销"
    session.rollback()


def test_what_is_over_goes(session, world, sign_in):
    at = now()
    sign_in(world.account("director", VILLAGE))
    session.add(Throttle(key="phone:1", failures=1, last_at=at - timedelta(days=31)))
    record(session, "t", "test", subject="x")
    session.commit()
    assert apply(session, at, only_count=True)["throttle"] == 1
    assert apply(session, at)["login_session"] == 0
    found = apply(session, at + timedelta(days=15))
    assert found["login_session"] == 1 and session.scalars(select(LoginSession)).all() == []
    assert session.scalars(select(Throttle)).all() == []
    assert verify_audit(session) == (1, [])
    session.commit()


def test_by_command(session, left, monkeypatch, tmp_path):
    url = session.get_bind().url.render_as_string(hide_password=False)
    monkeypatch.setenv("ACADEMY_DATABASE_URL", url)
    monkeypatch.setenv("ACADEMY_INSTANCE", str(tmp_path))

    def run(*arguments, code=0, **more):
        result = CliRunner().invoke(cli, list(map(str, arguments)), **more)
        assert result.exit_code == code, (result.output, result.exception)
        return result

    run("person", "erase", left.id, "--reason", "本人申请", input="n\n", code=1)
    assert session.get(Person, left.id).name == NAME
    session.commit()
    run("person", "erase", left.id, "--reason", "本人申请", "--yes")
    run("person", "erase", 9999, "--reason", "x", "--yes", code=1)
    assert json.loads(run("archive", "verify", "--json").stdout)["ok"] is True
    assert json.loads(run("retention", "apply", "--dry-run", "--json").stdout)["job"] == 0
    run("retention", "apply")
