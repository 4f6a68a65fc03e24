"""The largest tables in parts: nothing is lost, everybody goes on meanwhile, and years come by themselves."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from uuid import uuid4

import psycopg
import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, event, func, select, text

from exam_app.audit.service import record
from exam_app.audit.service import verify as verify_audit
from exam_app.cli import cli
from exam_app.exams import service
from exam_app.exams.models import Answer, Attempt
from exam_app.exams.saving import NewAnswer, make_saver
from exam_app.exams.ticket import Ticket
from exam_app.migrations.running import upgrade
from exam_app.operations import partitions
from exam_app.operations.backups import check_database
from exam_app.operations.partitions import LAYOUTS, make_ahead, partition
from harness.world import prepare
from tests.factories import DISTRICT, World
from training_records.archive.models import ArchiveEntry
from training_records.archive.service import NewEntry, append, verify
from training_records.database import make_engine, make_session_factory, now
from training_records.ledger.models import Person

TODAY = now().date()


@pytest.fixture
def plain(postgres_url):
    """A database as the migrations leave it."""
    name = f"parts_{uuid4().hex}"
    with psycopg.connect(f"{postgres_url}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    engine = make_engine(f"{postgres_url}/{name}")
    upgrade(engine)
    yield engine
    engine.dispose()


def parts(engine, table):
    with engine.connect() as connection:
        found = connection.scalars(
            text(
                "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = :t ::regclass"
            ),
            {"t": table},
        )
        return sorted(found)


def test_what_is_there_becomes_the_first_part(plain):
    with make_session_factory(plain)() as session:
        world = World(session)
        entries = [world.entry(world.person()) for _ in range(5)]
        record(session, "test", "x", subject="y", scope=DISTRICT)
        session.commit()
        ids = [e.id for e in entries]
    assert partition(plain, TODAY) == [layout.name for layout in LAYOUTS]
    assert partition(plain, TODAY) == []
    years = [TODAY.year + n for n in (1, 2)]
    for layout in LAYOUTS:
        named = [f"{layout.name}_{y}" for y in years]
        assert parts(plain, layout.name) == [
            *named,
            f"{layout.name}_early",
            f"{layout.name}_other",
        ]
    with make_session_factory(plain)() as session:
        assert [
            e.id for e in session.scalars(select(ArchiveEntry).order_by(ArchiveEntry.id))
        ] == ids
        assert {e.district for e in session.scalars(select(ArchiveEntry))} == {DISTRICT}
        # Ids and chains go on where they were.
        person = session.get_one(Person, entries[0].person_id)
        later = append(session, NewEntry(person.id, "training", TODAY, "培训"), "test")
        session.commit()
        assert later.id > ids[-1]
        assert verify(session)[1] == [] and verify_audit(session) == (1, [])
    assert check_database(plain) == []


def test_what_points_nowhere_is_found(plain):
    partition(plain, TODAY)
    with make_session_factory(plain)() as session:
        world = World(session)
        entry = world.entry(world.person())
        session.execute(
            text("UPDATE archive_entry SET voids_id = 999 WHERE id = :id"), {"id": entry.id}
        )
        session.commit()
    assert check_database(plain) == ["archive_entry.voids_id 有 1 行指着不存在的记录"]


def test_each_year_has_its_part_and_a_wrong_clock_loses_nothing(plain):
    partition(plain, TODAY)
    with make_session_factory(plain)() as session:
        person = World(session).person()
        for year in (0, TODAY.year, TODAY.year + 1, 2099):
            session.add(
                ArchiveEntry(
                    person_id=person.id,
                    chain=f"archive:{year}",
                    seq=1,
                    kind="training",
                    date=TODAY,
                    title="x",
                    recorded_by="test",
                    previous="",
                    hash="",
                    district=DISTRICT,
                    year=year,
                )
            )
        session.commit()
        query = "SELECT tableoid::regclass::text, year FROM archive_entry ORDER BY year"
        assert session.execute(text(query)).all() == [
            ("archive_entry_early", 0),
            ("archive_entry_early", TODAY.year),
            (f"archive_entry_{TODAY.year + 1}", TODAY.year + 1),
            ("archive_entry_other", 2099),
        ]
        plan = session.scalars(
            text("EXPLAIN SELECT * FROM archive_entry WHERE year = :y"), {"y": TODAY.year + 1}
        ).all()
        assert "early" not in "".join(plan)
    with plain.begin() as connection:
        assert make_ahead(connection, TODAY) == []
        made = make_ahead(connection, TODAY.replace(year=2098, day=1))
    # What lies in the rest stays there.
    assert "answer_2099" in made and "archive_entry_2099" not in made
    assert "archive_entry_2100" in made


def test_answers_are_saved_while_the_tables_are_laid_out(plain):
    """A process that began before goes on with the key that the table has then."""
    url = plain.url.render_as_string(hide_password=False)
    plain.dispose()
    exam = prepare(url.replace("postgresql+psycopg://", "postgresql://"), 4)
    saver = make_saver(plain)
    with make_session_factory(plain)() as session:
        tickets = []
        for person in (1, 2, 3, 4):
            attempt = service.start(session, exam, person)
            ticket = service.ticket_of(attempt)
            tickets.append(Ticket(ticket.attempt_id, person, None, ticket.shapes))
        session.commit()
    stop, acknowledged = threading.Event(), {}

    def save(ticket):
        seq = 0
        while not stop.is_set():
            seq += 1
            slot = str(seq % 50 + 1)
            result = saver.save(ticket, [NewAnswer(slot, None, seq)], now())
            assert result.verdict == "saved"
            acknowledged[ticket.attempt_id, slot] = seq
        return seq

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(save, ticket) for ticket in tickets]
        time.sleep(0.5)
        before = len(acknowledged)
        partition(plain, TODAY)
        time.sleep(0.5)
        stop.set()
        counts = [r.result() for r in running]
    saver.close()
    assert before and min(counts) > 50
    with make_session_factory(plain)() as session:
        stored = {(a.attempt_id, a.slot): a.seq for a in session.scalars(select(Answer))}
        places = session.execute(select(Attempt.district, Attempt.year).distinct()).all()
        assert session.execute(select(Answer.district, Answer.year).distinct()).all() == places
        assert places == [("370283000000", TODAY.year)]
    assert stored == acknowledged


def test_a_table_that_somebody_holds_stays_as_it_was(plain, monkeypatch):
    monkeypatch.setattr(partitions, "TRIES", 3)
    url = plain.url.render_as_string(hide_password=False)
    monkeypatch.setenv("ACADEMY_DATABASE_URL", url.replace("+psycopg", ""))
    held = threading.Event()

    def hold(conn, cursor, statement, parameters, context, many):
        # Somebody takes the table after the indexes were built.
        if statement.startswith("LOCK TABLE archive_entry") and not held.is_set():
            held.set()
            other.execute("LOCK TABLE archive_entry IN ACCESS SHARE MODE")

    with psycopg.connect(url.replace("+psycopg", "")) as other:
        event.listen(Engine, "before_cursor_execute", hold)
        try:
            told = CliRunner().invoke(cli, ["db", "partition"])
        finally:
            event.remove(Engine, "before_cursor_execute", hold)
        assert told.exit_code == 1 and "没有动" in told.output
        assert parts(plain, "archive_entry") == [] and parts(plain, "answer") != []
        other.rollback()
    told = CliRunner().invoke(cli, ["db", "partition"])
    assert told.exit_code == 0 and "archive_entry" in told.output
    told = CliRunner().invoke(cli, ["db", "partition"])
    assert told.exit_code == 0 and "早已分好" in told.output


def test_not_for_sqlite(tmp_path, monkeypatch):
    monkeypatch.setenv("ACADEMY_DATABASE_URL", f"sqlite:///{tmp_path / 'x.db'}")
    told = CliRunner().invoke(cli, ["db", "partition"])
    assert told.exit_code == 1 and "SQLite 不用分区" in told.output
    engine = make_engine(f"sqlite:///{tmp_path / 'x.db'}")
    upgrade(engine)
    with engine.begin() as connection:
        assert make_ahead(connection, date(2030, 1, 1)) == []
    engine.dispose()


def test_the_same_visit_again_after_new_year_is_one(world, sign_in, session, clean):
    """Its place comes from the visit, not from the clock."""
    phone = sign_in(world.account("director"))
    phone.form("/caseload", code="03-07", categories=["orphan"])
    found = phone.get("/visits/data.json").json
    on = str(date.fromisoformat(found["today"]) - timedelta(days=1))
    visit = {"key": "k" * 12, "case": found["due"][0]["case"], "on": on, "form": "home"}
    for _ in range(2):
        phone.post("/visits/sync", {"visits": [{**visit, "findings": {}}]})
    rows = session.execute(text("SELECT district, year FROM visit")).all()
    assert rows == [(DISTRICT, date.fromisoformat(on).year)]
    assert session.scalar(select(func.count()).select_from(Answer)) == 0
