"""Migrations: from the first release's tables with data in them to those of today; old code beside new tables; locks."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from exam_app.migrations.metadata import metadata
from exam_app.migrations.running import FOLDER, is_ours, statements, upgrade
from exam_app.operations.backups import check_database
from training_records.database import UtcDateTime, make_engine

REVISIONS = [r.revision for r in reversed(list(ScriptDirectory(str(FOLDER)).walk_revisions()))]
# From here on a running old version has to go on beside the new tables.
SIDE_BY_SIDE = "0018"
# Table and column to the values that the column takes.
CHECKED = {
    (table.name, check.info["column"]): check.info["values"]
    for table in metadata.tables.values()
    for check in table.constraints
    if isinstance(check, sa.CheckConstraint)
}
LATER = REVISIONS[REVISIONS.index(SIDE_BY_SIDE) + 1 :]
# What is a matter of taste here: types stay as the models have them.
TASTE = (
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "prefer-identity",
    "prefer-text-field",
    "prefer-timestamp-tz",
    "prefer-robust-stmts",
)


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request, tmp_path):
    if request.param == "sqlite":
        engine = make_engine(f"sqlite:///{tmp_path / 'old.db'}")
    else:
        server, name = request.getfixturevalue("postgres_url"), f"old_{uuid4().hex}"
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        engine = make_engine(f"{server}/{name}")
    yield engine
    engine.dispose()


def value(column, number):
    """Some value of a column's type."""
    kind = column.type
    if allowed := CHECKED.get((column.table.name, column.name)):
        return allowed[number % len(allowed)]
    if isinstance(kind, sa.Boolean):
        return False
    if isinstance(kind, sa.Integer):
        return number
    if isinstance(kind, sa.Numeric | sa.Float):
        return 1
    if isinstance(kind, sa.DateTime):
        return datetime(2026, 1, 1 + number % 28)
    if isinstance(kind, sa.Date):
        return date(2026, 1, 1 + number % 28)
    if isinstance(kind, sa.JSON):
        return {}
    if isinstance(kind, sa.LargeBinary):
        return b"x"
    if isinstance(kind, sa.String | sa.Text):
        return f"{number}"[: kind.length or 10].rjust(1, "x")
    raise AssertionError((column, kind))


def fill(engine, known, rows=3):
    """Rows in every table that has none yet, in the order of what they point to; as many as there are then."""
    tables = sa.MetaData()
    with engine.connect() as connection:
        tables.reflect(connection, only=lambda name, _: is_ours(name, "table", None))
    numbers = itertools.count(1000)
    with engine.begin() as connection:
        for table in tables.sorted_tables:
            if table.name in known or table.name == "alembic_version":
                continue
            single = [c for c in table.primary_key.columns if isinstance(c.type, sa.Integer)]
            for row in range(rows):
                values = {}
                for column in table.columns:
                    target = next(iter(column.foreign_keys), None)
                    if target is not None:
                        other = target.column
                        if other.table is table:
                            continue
                        found = connection.execute(
                            sa.select(other).order_by(other).offset(row).limit(1)
                        ).scalar()
                        values[column.name] = found
                    elif column.nullable and column.name not in ("end",):
                        continue
                    elif column in single:
                        values[column.name] = row + 1
                    else:
                        values[column.name] = value(column, next(numbers))
                connection.execute(table.insert().values(**values))
            known[table.name] = rows
    return tables


def counts(engine, names):
    with engine.connect() as connection:
        return {
            n: connection.execute(sa.text(f'SELECT count(*) FROM "{n}"')).scalar() for n in names
        }


def test_from_the_first_release_step_by_step_with_data(empty):
    """Nothing is lost on the way, and the end is what the models say."""
    known = {}
    for revision in REVISIONS:
        upgrade(empty, revision)
        assert counts(empty, known) == known, revision
        fill(empty, known)
    assert counts(empty, known) == known and len(known) > 60
    assert check_database(empty) == []


def test_from_the_first_release_at_once(empty):
    known = {}
    upgrade(empty, REVISIONS[0])
    fill(empty, known, rows=20)
    upgrade(empty)
    assert counts(empty, known) == known
    assert check_database(empty) == []


def test_the_tables_are_those_of_the_models(empty):
    upgrade(empty)
    with empty.connect() as connection:
        opts = {"compare_type": same_type, "include_name": is_ours}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, metadata) == []


def test_checks_are_those_of_the_models(empty):
    """Autogenerate doesn't compare them. On SQLite there are none."""
    upgrade(empty)
    inspector = sa.inspect(empty)
    found = {
        (table, check["name"]): tuple(re.findall(r"'(\w*)'", check["sqltext"]))
        for table in metadata.tables
        for check in inspector.get_check_constraints(table)
    }
    expected = {(t, f"ck_{t}_{column}"): values for (t, column), values in CHECKED.items()}
    assert len(expected) > 20
    assert found == (expected if empty.dialect.name == "postgresql" else {})


@pytest.mark.parametrize("empty", ["postgres"], indirect=True)
def test_an_unknown_state_is_refused(empty):
    upgrade(empty)
    fill(empty, {})
    for table, column in CHECKED:
        change = sa.text(f"UPDATE {table} SET \"{column}\" = '?'")
        refused = pytest.raises(sa.exc.IntegrityError, match=f"ck_{table}_{column}")
        with refused, empty.begin() as connection:
            connection.execute(change)


def same_type(context, inspected, column, there, told):
    """Times are kept without a zone on purpose; JSON is JSONB on PostgreSQL."""
    if isinstance(told, UtcDateTime | sa.JSON):
        return False
    return None


def test_old_code_goes_on_beside_new_tables(empty):
    """What the code of the last release writes is still taken: new columns need no value from it, none is gone."""
    upgrade(empty, SIDE_BY_SIDE)
    known = {}
    old = fill(empty, known)
    upgrade(empty)
    with empty.begin() as connection:
        for table in old.sorted_tables:
            if table.name == "alembic_version":
                continue
            row = connection.execute(sa.select(table).limit(1)).mappings().one()
            where = [column == row[column.name] for column in table.primary_key.columns]
            if not pointed_at(old, table):
                connection.execute(table.delete().where(*where))
                connection.execute(table.insert().values(**row))
            plain = [c for c in table.columns if not c.primary_key and not c.foreign_keys]
            for column in plain[:1]:
                done = connection.execute(
                    table.update().where(*where).values({column: row[column.name]})
                )
                assert done.rowcount == 1, table.name
    assert counts(empty, known) == known


def pointed_at(tables, table):
    return any(key.column.table is table for t in tables.sorted_tables for key in t.foreign_keys)


def test_a_migration_that_would_break_keys_keeps_nothing(tmp_path):
    engine = make_engine(f"sqlite:///{tmp_path / 'old.db'}")
    upgrade(engine, REVISIONS[0])
    fill(engine, {})
    raw = engine.raw_connection()
    raw.execute("PRAGMA foreign_keys=OFF")
    raw.execute("UPDATE post SET person_id = 999")
    raw.commit()
    raw.close()
    engine.dispose()
    with pytest.raises(RuntimeError, match="broken foreign keys"):
        upgrade(engine)
    with engine.connect() as connection:
        found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    assert found == REVISIONS[0]
    engine.dispose()


def squawk(sql: str, folder: Path) -> list[str]:
    """What the linter for PostgreSQL says of statements."""
    file = folder / "migration.sql"
    file.write_text(sql)
    program = shutil.which("squawk") or str(Path(sys.executable).with_name("squawk"))
    command = [program, "--reporter", "json", "--pg-version", "13"]
    for rule in TASTE:
        command += ["--exclude", rule]
    done = subprocess.run([*command, str(file)], capture_output=True, text=True)
    assert done.stdout, done.stderr
    return [f"{found['line']}: {found['rule_name']}" for found in json.loads(done.stdout)]


@pytest.mark.parametrize("revision", LATER)
def test_no_migration_holds_everybody_up(revision, tmp_path):
    before = REVISIONS[REVISIONS.index(revision) - 1]
    sql = statements(f"{before}:{revision}")
    assert "lock_timeout" in sql and f"version_num='{revision}'" in sql
    assert squawk(sql, tmp_path) == []


def test_the_linter_sees_what_would(tmp_path):
    head = "SET LOCAL lock_timeout = '5s';\nSET LOCAL statement_timeout = '15min';\n"
    for bad in (
        "ALTER TABLE visit ADD COLUMN x INTEGER NOT NULL;",
        "ALTER TABLE visit DROP COLUMN form;",
        "CREATE INDEX ix_visit_at ON visit (at);",
        "ALTER TABLE visit ALTER COLUMN form TYPE VARCHAR(4);",
        "ALTER TABLE visit RENAME COLUMN form TO kind;",
    ):
        assert squawk(head + bad, tmp_path), bad
