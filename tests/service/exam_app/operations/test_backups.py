"""Backups that are proved, and moving between engines."""

from __future__ import annotations

import io
import json
import tarfile
import threading
from dataclasses import replace
from uuid import uuid4

import psycopg
import pyrage
import pytest
from click.testing import CliRunner
from sqlalchemy import select, text

from exam_app.audit.service import record
from exam_app.cli import cli
from exam_app.demo.seed import seed_demo
from exam_app.migrations.running import upgrade
from exam_app.operations import backups
from exam_app.operations.backups import bundles_in, drill, make_bundle, restore_bundle
from exam_app.operations.moving import copy_all
from tests.factories import DISTRICT, VILLAGE, World
from training_records.archive import evidence
from training_records.archive.models import ArchiveEntry
from training_records.archive.service import verify
from training_records.database import make_engine, make_session_factory
from training_records.errors import Refused
from training_records.ledger.models import Person


@pytest.fixture
def here(clean, config):
    """The configuration of an installation on the test's database."""
    return replace(config, database_url=clean.url.render_as_string(hide_password=False))


@pytest.fixture
def filled(session, here):
    """A demonstration year, with evidence and a recording beside it."""
    seed_demo(session, here, 60)
    evidence.keep(
        session, here.instance / "evidence", b"%PDF-1.4 x", name="x", division_code=DISTRICT, by="t"
    )
    session.commit()
    media = here.instance / "media" / "ab" / "abc"
    media.parent.mkdir(parents=True)
    media.write_bytes(b"film")
    return here


def test_a_backup_under_load_is_restored_and_checked_elsewhere(filled, clean, tmp_path):
    stop, written, factory = threading.Event(), [0], make_session_factory(clean)

    def write() -> None:
        while not stop.is_set():
            with factory() as own:
                record(own, "test", "load", subject=f"n:{written[0]}")
                own.commit()
            written[0] += 1

    load = threading.Thread(target=write)
    load.start()
    try:
        while written[0] < 20:
            pass
        bundle = make_bundle(filled, tmp_path / "kept")
    finally:
        stop.set()
        load.join()
    proof = drill(filled, bundle)
    assert proof.problems == [] and proof.evidence == 1
    assert proof.rows["person"] >= 60 and proof.archive > 50
    # Consistent: of what was being written, a beginning without a gap.
    assert 20 <= proof.rows["audit_entry"] <= written[0] + 1000 and proof.audit >= 20
    assert bundle.stat().st_mode & 0o777 == 0o600
    # Nothing stays behind.
    if clean.dialect.name == "postgresql":
        with clean.connect() as connection:
            found = connection.execute(
                text("SELECT count(*) FROM pg_database WHERE datname LIKE 'academy_drill%'")
            )
            assert found.scalar() == 0


def test_a_record_altered_by_hand_is_found_by_the_drill(filled, clean, tmp_path):
    with clean.begin() as connection:
        connection.execute(text("UPDATE archive_entry SET title = 'x' WHERE seq = 1 AND id = 1"))
    proof = drill(filled, make_bundle(filled, tmp_path / "kept"))
    assert any("档案链" in p for p in proof.problems)


def test_only_the_holder_of_the_key_reads_it(filled, tmp_path):
    own, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    bundle = make_bundle(filled, tmp_path / "kept", [str(own.to_public())])
    assert bundle.name.endswith(".tar.age") and b"SQLite" not in bundle.read_bytes()
    keys = {}
    for name, key in (("own", own), ("other", other)):
        keys[name] = tmp_path / name
        keys[name].write_text(f"# created\n{key}\n")
    assert drill(filled, bundle, keys["own"]).problems == []
    with pytest.raises(Refused, match="--identity"):
        drill(filled, bundle)
    with pytest.raises(Refused, match="私钥不对"):
        drill(filled, bundle, keys["other"])
    with pytest.raises(Refused, match="不是 age 公钥"):
        make_bundle(filled, tmp_path / "kept", ["ssh-rsa AAAA"])


def repacked(bundle, target, change):
    with tarfile.open(bundle) as old, tarfile.open(target, "w") as new:
        for member in old:
            data = old.extractfile(member).read()
            data = change(member.name, data)
            if data is None:
                continue
            if member.name.startswith("database"):
                member.name = "database"
            member.size = len(data)
            new.addfile(member, io.BytesIO(data))
    return target


def test_a_bundle_that_is_damaged_or_not_whole_is_refused(filled, tmp_path):
    bundle = make_bundle(filled, tmp_path / "kept")
    half = tmp_path / "half.tar"
    half.write_bytes(bundle.read_bytes()[: bundle.stat().st_size // 2])
    flipped = repacked(
        bundle, tmp_path / "flipped.tar", lambda n, d: d[:-1] + b"?" if "evidence" in n else d
    )
    missing = repacked(
        bundle, tmp_path / "missing.tar", lambda n, d: None if n.startswith("media") else d
    )
    none = tmp_path / "none.tar"
    none.write_bytes(b"x" * 2000)
    for odd in (half, flipped, missing, none):
        with pytest.raises(Refused):
            drill(filled, odd)
    evil = tmp_path / "evil.tar"
    with tarfile.open(evil, "w") as out:
        entry = tarfile.TarInfo("../outside")
        entry.size = 1
        out.addfile(entry, io.BytesIO(b"x"))
    with pytest.raises(Refused):
        drill(filled, evil)
    assert not (tmp_path.parent / "outside").exists()


def test_restored_on_another_machines_path(filled, clean, session, tmp_path, postgres_url):
    bundle = make_bundle(filled, tmp_path / "kept")
    names = session.scalars(select(Person.name).order_by(Person.id)).all()
    session.commit()
    if clean.dialect.name == "sqlite":
        url = f"sqlite:///{tmp_path / 'other' / 'academy.db'}"
    else:
        url = database(postgres_url)
    other = replace(filled, instance=tmp_path / "other", database_url=url)
    restore_bundle(other, bundle)
    engine = make_engine(url)
    assert backups.check_database(engine) == []
    with make_session_factory(engine)() as found:
        assert found.scalars(select(Person.name).order_by(Person.id)).all() == names
        assert verify(found)[1] == []
        digest = found.scalars(select(ArchiveEntry.hash).limit(1)).one()
    engine.dispose()
    assert digest and (tmp_path / "other" / "media" / "ab" / "abc").read_bytes() == b"film"
    wrong = "sqlite:///x.db" if clean.dialect.name == "postgresql" else postgres_url + "/x"
    with pytest.raises(Refused, match="不是一种"):
        restore_bundle(replace(other, database_url=wrong), bundle)


def database(server):
    name = f"copy_{uuid4().hex}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{server}/{name}"


@pytest.mark.parametrize("target", ["sqlite", "postgres"])
def test_all_data_from_one_engine_to_another(
    filled, clean, session, tmp_path, postgres_url, target
):
    url = database(postgres_url) if target == "postgres" else f"sqlite:///{tmp_path / 'new.db'}"
    new = make_engine(url)
    rows = copy_all(clean, new)
    assert rows == backups.count_rows(clean) == backups.count_rows(new)
    with make_session_factory(new)() as there:
        for table in (Person, ArchiveEntry):
            query = select(table.__table__).order_by(table.id)
            assert there.execute(query).all() == session.execute(query).all()
        session.commit()
        # New rows go on after those.
        world = World.__new__(World)
        world.session, world.numbers = there, iter(range(70000001, 70000099))
        person = world.person(there.scalar(text("SELECT min(division_code) FROM post")))
        assert person.id == rows["person"] + 1
        world.entry(person)
        assert verify(there)[1] == []
    with pytest.raises(Refused, match="已有数据"):
        copy_all(clean, new)
    new.dispose()
    old = make_engine(f"sqlite:///{tmp_path / 'old.db'}")
    upgrade(old, "0010")
    with pytest.raises(Refused, match="不是最新版本"):
        copy_all(old, make_engine(f"sqlite:///{tmp_path / 'empty.db'}"))
    old.dispose()
    assert VILLAGE


def test_a_chain_that_does_not_hold_is_not_moved_unseen(filled, clean, session, tmp_path):
    record(session, "t", "test", subject="x")
    session.commit()
    with clean.begin() as connection:
        connection.execute(text("UPDATE audit_entry SET action = 'x' WHERE seq = 1"))
    with pytest.raises(Refused, match="audit 第 1 条"):
        copy_all(clean, new := make_engine(f"sqlite:///{tmp_path / 'new.db'}"))
    assert not any(backups.count_rows(new).values())
    new.dispose()


def test_by_command(filled, monkeypatch, tmp_path):
    monkeypatch.setenv("ACADEMY_DATABASE_URL", filled.database_url)
    monkeypatch.setenv("ACADEMY_INSTANCE", str(filled.instance))
    key = pyrage.x25519.Identity.generate()
    monkeypatch.setenv("ACADEMY_BACKUP_RECIPIENTS", str(key.to_public()))
    identity, folder = tmp_path / "key", tmp_path / "kept"
    identity.write_text(str(key))

    def run(*arguments, code=0):
        result = CliRunner().invoke(cli, list(map(str, arguments)))
        assert result.exit_code == code, (result.output, result.exception)
        return result

    assert "没有整套备份" in str(run("db", "drill", tmp_path, code=1).exception)
    old = folder / "academy-20200101T000000Z.tar.age"
    folder.mkdir()
    old.write_bytes(b"x")
    second = folder / "academy-20200101T010000Z.tar.age"
    second.write_bytes(b"x")
    assert "已加密" in run("db", "nightly", folder, "--keep", 1, 1, 1).stderr
    [(_, made)] = bundles_in(folder)
    assert made.suffix == ".age" and not old.exists()
    proof = json.loads(run("db", "drill", folder, "--identity", identity, "--json").stdout)
    assert proof["problems"] == [] and proof["bundle"] == made.name
    assert "能恢复" in run("db", "drill", made, "--identity", identity).stdout
