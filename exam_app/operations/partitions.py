"""The largest tables of PostgreSQL in parts, one a year, their keys with the district.

What is there becomes the first part as it is: nothing is copied. Indexes are built while everybody goes on;
only the exchange at the end holds the tables, for some milliseconds. Parts for the years to come are made
ahead. On SQLite there are no parts.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, Engine, Index, func, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.schema import CreateIndex, UniqueConstraint

from exam_app.migrations.metadata import metadata
from training_records.errors import Refused

# Every process that serves looks once an hour; so many years are there ahead.
AHEAD = 2
_UNTIL = re.compile(r"TO \('?(\d+)'?\)")
# Whoever waits for tables here gives up before the others do, and before PostgreSQL looks for a deadlock (1 s).
LIMITS = ("SET LOCAL lock_timeout = '200ms'", "SET LOCAL statement_timeout = '15min'")
TRIES, PAUSE = 50, 0.2


@dataclass(frozen=True)
class Layout:
    """How one table is laid out: its own key, and the column of the district's code. `key_first`: read by its own key, and
    what belongs together lies in one district and year as a whole."""

    name: str
    key: tuple[str, ...]
    district: str = "district"
    key_first: bool = False

    @property
    def place(self) -> tuple[str, str]:
        """What every unique key has with it: a part or a node can only check its own rows."""
        return (self.district, "year")

    @property
    def primary(self) -> tuple[str, ...]:
        """The whole key, with the district first unless the table is read by its own."""
        return (*self.key, *self.place) if self.key_first else (*self.place, *self.key)


LAYOUTS = (
    Layout("answer", ("attempt_id", "slot"), key_first=True),
    Layout("archive_entry", ("id",)),
    Layout("audit_entry", ("seq",), district="scope"),
    Layout("visit", ("id",)),
)


def partition(engine: Engine, today: date) -> list[str]:
    """Lays out what is not yet laid out; the tables' names. May be called again. `Refused` on SQLite, or when somebody
    holds a table: then it stays as it was."""
    if engine.dialect.name != "postgresql":
        raise Refused("分区只用于 PostgreSQL,SQLite 不用分区")
    done = []
    for layout in LAYOUTS:
        with engine.connect() as connection:
            there = _is_laid_out(connection, layout)
        if not there:
            prepare(engine, layout, today)
            _exchange_soon(engine, layout, today)
            done.append(layout.name)
    with engine.begin() as connection:
        make_ahead(connection, today)
    return done


def make_ahead(connection: Connection, today: date) -> list[str]:
    """Makes the parts of the years to come where they are missing; their names. Does nothing for tables
    that are not laid out."""
    made: list[str] = []
    if connection.dialect.name != "postgresql":
        return made
    run = connection.exec_driver_sql
    for layout in LAYOUTS:
        if not _is_laid_out(connection, layout):
            continue
        for year in range(_next_year(connection, layout), today.year + AHEAD + 1):
            name, rest = f"{layout.name}_{year}", f"{layout.name}_other"
            if run(f"SELECT 1 FROM {rest} WHERE year = {year} LIMIT 1").first():  # noqa: S608  # nosec B608
                continue
            if not made:
                for limit in LIMITS:
                    run(limit)
            bounds = f"FOR VALUES FROM ({year}) TO ({year + 1})"
            run(f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF {layout.name} {bounds}")
            made.append(name)
    return made


def dangling(connection: Connection) -> list[str]:
    """Rows that point to one of the tables laid out here and to no row of it (Chinese)."""
    found = []
    names = {layout.name for layout in LAYOUTS if _is_laid_out(connection, layout)}
    for table in metadata.sorted_tables:
        for key in table.foreign_keys:
            if key.column.table.name not in names:
                continue
            there = key.column.table.alias()
            target = there.c[key.column.name]
            missing = ~select(target).where(target == key.parent).exists()
            query = select(func.count()).where(key.parent.is_not(None), missing)
            count = connection.scalar(query.select_from(table)) or 0
            if count:
                found.append(f"{table.name}.{key.parent.name} 有 {count} 行指着不存在的记录")
    return found


def _is_laid_out(connection: Connection, layout: Layout) -> bool:
    query = text("SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(:name)")
    return bool(connection.scalar(query, {"name": layout.name}))


def _next_year(connection: Connection, layout: Layout) -> int:
    """The first year without a part."""
    bounds = connection.scalars(
        text(
            "SELECT pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i "
            "JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass(:name)"
        ),
        {"name": layout.name},
    )
    return max(int(found[1]) for bound in bounds if (found := _UNTIL.search(bound)))


def _columns(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _uniques(layout: Layout) -> list[tuple[str, tuple[str, ...]]]:
    """(name, columns) of the unique keys beside the primary one, the place with them."""
    table = metadata.tables[layout.name]
    found = [(str(i.name), tuple(c.name for c in i.columns)) for i in _indexes(layout, unique=True)]
    found += [
        (str(c.name), tuple(k.name for k in c.columns))
        for c in table.constraints
        if isinstance(c, UniqueConstraint)
    ]
    return [(name, (*columns, *layout.place)) for name, columns in sorted(found)]


def _indexes(layout: Layout, unique: bool) -> list[Index]:
    found = metadata.tables[layout.name].indexes
    return sorted((i for i in found if bool(i.unique) == unique), key=lambda i: str(i.name))


def prepare(engine: Engine, layout: Layout, today: date) -> None:
    """What takes time, while everybody goes on: the new keys' indexes, and that no row is of a later year."""
    name, old = layout.name, f"{layout.name}_early"
    wanted = {f"pk_{old}": layout.primary}
    wanted.update({f"{unique}_early": columns for unique, columns in _uniques(layout)})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        run = connection.exec_driver_sql
        for index, columns in wanted.items():
            # One that a broken run left half built is not valid.
            run(f"DROP INDEX CONCURRENTLY IF EXISTS {index}")
            run(f"CREATE UNIQUE INDEX CONCURRENTLY {index} ON {name} ({_columns(columns)})")
        if not layout.key_first:
            run(f"DROP INDEX CONCURRENTLY IF EXISTS ix_{old}_key")
            run(f"CREATE INDEX CONCURRENTLY ix_{old}_key ON {name} ({_columns(layout.key)})")
        run(f"ALTER TABLE {name} DROP CONSTRAINT IF EXISTS ck_{old}")
        run(f"ALTER TABLE {name} ADD CONSTRAINT ck_{old} CHECK (year <= {today.year}) NOT VALID")
        run(f"ALTER TABLE {name} VALIDATE CONSTRAINT ck_{old}")


def _exchange_soon(engine: Engine, layout: Layout, today: date) -> None:
    """Exchanges at a moment when nobody holds the tables for long."""
    for tries in range(TRIES):
        try:
            with engine.begin() as connection:
                exchange(connection, layout, today)
            return
        except OperationalError as error:
            if not isinstance(error.orig, LockNotAvailable):
                raise
            time.sleep(PAUSE * (1 + tries % 3))
    raise Refused(f"有人一直占着 {layout.name},它没有动。请过一会儿再运行一次同样的命令")


def exchange(connection: Connection, layout: Layout, today: date) -> None:
    """The table becomes the first part of one of the same name. Foreign keys to it end here: a key that goes over parts
    has the district and the year with it, which others don't know; `academy db check` looks for what points nowhere."""
    run = connection.exec_driver_sql
    name, old, table = layout.name, f"{layout.name}_early", metadata.tables[layout.name]
    for limit in LIMITS:
        run(limit)
    # In the order in which a save takes them, all at once: nothing is waited for later on.
    above = sorted({key.column.table.name for key in table.foreign_keys} - {name})
    for wanted in (*above, name):
        run(f"LOCK TABLE {wanted} IN ACCESS EXCLUSIVE MODE")
    for pointing, constraint in connection.execute(
        text(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint "
            "WHERE contype = 'f' AND confrelid = to_regclass(:name)"
        ),
        {"name": name},
    ).all():
        run(f"ALTER TABLE {pointing} DROP CONSTRAINT {constraint}")
    keys = connection.execute(
        text(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE contype = 'f' AND conrelid = to_regclass(:name)"
        ),
        {"name": name},
    ).all()
    run(f"ALTER TABLE {name} RENAME TO {old}")
    run(f"ALTER TABLE {old} DROP CONSTRAINT pk_{name}")
    run(f"ALTER TABLE {old} ADD CONSTRAINT pk_{old} PRIMARY KEY USING INDEX pk_{old}")
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            run(f"ALTER TABLE {old} DROP CONSTRAINT {constraint.name}")
    for index in _indexes(layout, unique=True):
        run(f"DROP INDEX {index.name}")
    for index in _indexes(layout, unique=False):
        run(f"ALTER INDEX {index.name} RENAME TO {index.name}_early")
    run(f"CREATE TABLE {name} (LIKE {old} INCLUDING DEFAULTS) PARTITION BY RANGE (year)")
    run(f"ALTER TABLE {name} ADD CONSTRAINT pk_{name} PRIMARY KEY ({_columns(layout.primary)})")
    for constraint, definition in keys:
        run(f"ALTER TABLE {name} ADD CONSTRAINT {constraint} {definition}")
    for unique, columns in _uniques(layout):
        run(f"CREATE UNIQUE INDEX {unique} ON {name} ({_columns(columns)})")
    for index in _indexes(layout, unique=False):
        connection.execute(CreateIndex(index))
    if not layout.key_first:
        run(f"CREATE INDEX ix_{name}_key ON {name} ({_columns(layout.key)})")
    for column in layout.key:
        query = text("SELECT pg_get_serial_sequence(:table, :column)")
        sequence = connection.scalar(query, {"table": old, "column": column})
        if sequence:
            run(f"ALTER SEQUENCE {sequence} OWNED BY {name}.{column}")
    # The indexes that are there serve the new ones; the check that is there spares reading all rows.
    bounds = f"FOR VALUES FROM (MINVALUE) TO ({today.year + 1})"
    run(f"ALTER TABLE {name} ATTACH PARTITION {old} {bounds}")
    run(f"ALTER TABLE {old} DROP CONSTRAINT ck_{old}")
    # Nobody's answer is refused because a clock is years wrong.
    run(f"CREATE TABLE {name}_other PARTITION OF {name} DEFAULT")
    make_ahead(connection, today)
