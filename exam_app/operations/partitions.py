"""Partitioning of the largest PostgreSQL tables: a partition per year, keys extended by the district.

The existing table becomes the first partition without copying. Indexes are built concurrently; only
the final exchange locks the tables, for some milliseconds. Partitions for coming years are created
ahead of time. SQLite is not partitioned.
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

# Years ahead for which partitions exist; every server process checks once an hour.
AHEAD = 2
_UNTIL = re.compile(r"TO \('?(\d+)'?\)")
# Lock waits here time out before the requests queued behind them do, and before PostgreSQL's
# deadlock check (1 s).
LIMITS = ("SET LOCAL lock_timeout = '200ms'", "SET LOCAL statement_timeout = '15min'")
TRIES, PAUSE = 50, 0.2


@dataclass(frozen=True)
class Layout:
    """The partitioned layout of one table: its own key, and the column of the district code.

    `key_first`: the table is read by its own key, and related rows lie in one district and year.
    """

    name: str
    key: tuple[str, ...]
    district: str = "district"
    key_first: bool = False

    @property
    def partition_columns(self) -> tuple[str, str]:
        """The partition columns, part of every unique key: a partition or node can only check its own rows."""
        return (self.district, "year")

    @property
    def primary(self) -> tuple[str, ...]:
        """The whole primary key, the district first unless `key_first`."""
        return (
            (*self.key, *self.partition_columns)
            if self.key_first
            else (*self.partition_columns, *self.key)
        )


LAYOUTS = (
    Layout("answer", ("attempt_id", "slot"), key_first=True),
    Layout("archive_entry", ("id",)),
    Layout("audit_entry", ("seq",), district="scope"),
    Layout("visit", ("id",)),
)


def partition(engine: Engine, today: date) -> list[str]:
    """Partitions the tables that are not partitioned yet; returns their names. Idempotent.

    `Refused` on SQLite, or when a table stays locked; it is unchanged then.
    """
    if engine.dialect.name != "postgresql":
        raise Refused("分区只用于 PostgreSQL,SQLite 不用分区")
    names = []
    for layout in LAYOUTS:
        with engine.connect() as connection:
            partitioned = _is_laid_out(connection, layout)
        if not partitioned:
            prepare(engine, layout, today)
            _exchange_soon(engine, layout, today)
            names.append(layout.name)
    with engine.begin() as connection:
        make_ahead(connection, today)
    return names


def make_ahead(connection: Connection, today: date) -> list[str]:
    """Creates missing partitions for the coming years; returns their names. Skips unpartitioned tables."""
    created: list[str] = []
    if connection.dialect.name != "postgresql":
        return created
    run = connection.exec_driver_sql
    for layout in LAYOUTS:
        if not _is_laid_out(connection, layout):
            continue
        for year in range(_next_year(connection, layout), today.year + AHEAD + 1):
            name, default_partition = f"{layout.name}_{year}", f"{layout.name}_other"
            if run(f"SELECT 1 FROM {default_partition} WHERE year = {year} LIMIT 1").first():  # noqa: S608  # nosec B608
                continue
            if not created:
                for limit in LIMITS:
                    run(limit)
            bounds = f"FOR VALUES FROM ({year}) TO ({year + 1})"
            run(f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF {layout.name} {bounds}")
            created.append(name)
    return created


def dangling(connection: Connection) -> list[str]:
    """Rows whose reference to one of the partitioned tables has no target (Chinese)."""
    problems = []
    names = {layout.name for layout in LAYOUTS if _is_laid_out(connection, layout)}
    for table in metadata.sorted_tables:
        for key in table.foreign_keys:
            if key.column.table.name not in names:
                continue
            referenced = key.column.table.alias()
            target = referenced.c[key.column.name]
            missing = ~select(target).where(target == key.parent).exists()
            query = select(func.count()).where(key.parent.is_not(None), missing)
            count = connection.scalar(query.select_from(table)) or 0
            if count:
                problems.append(f"{table.name}.{key.parent.name} 有 {count} 行指着不存在的记录")
    return problems


def _is_laid_out(connection: Connection, layout: Layout) -> bool:
    query = text("SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(:name)")
    return bool(connection.scalar(query, {"name": layout.name}))


def _next_year(connection: Connection, layout: Layout) -> int:
    """The first year without a partition."""
    bounds = connection.scalars(
        text(
            "SELECT pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i "
            "JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass(:name)"
        ),
        {"name": layout.name},
    )
    return max(int(match[1]) for bound in bounds if (match := _UNTIL.search(bound)))


def _columns(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _uniques(layout: Layout) -> list[tuple[str, tuple[str, ...]]]:
    """(name, columns) of the unique keys other than the primary key, with the partition columns appended."""
    table = metadata.tables[layout.name]
    uniques = [
        (str(i.name), tuple(c.name for c in i.columns)) for i in _indexes(layout, unique=True)
    ]
    uniques += [
        (str(c.name), tuple(k.name for k in c.columns))
        for c in table.constraints
        if isinstance(c, UniqueConstraint)
    ]
    return [(name, (*columns, *layout.partition_columns)) for name, columns in sorted(uniques)]


def _indexes(layout: Layout, unique: bool) -> list[Index]:
    indexes = metadata.tables[layout.name].indexes
    return sorted((i for i in indexes if bool(i.unique) == unique), key=lambda i: str(i.name))


def prepare(engine: Engine, layout: Layout, today: date) -> None:
    """The slow part, concurrently with normal use: builds the new keys' indexes and validates the year check."""
    name, old = layout.name, f"{layout.name}_early"
    unique_keys = {f"pk_{old}": layout.primary}
    unique_keys.update({f"{unique}_early": columns for unique, columns in _uniques(layout)})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        run = connection.exec_driver_sql
        for index, columns in unique_keys.items():
            # A concurrent build that was interrupted leaves an invalid index.
            run(f"DROP INDEX CONCURRENTLY IF EXISTS {index}")
            run(f"CREATE UNIQUE INDEX CONCURRENTLY {index} ON {name} ({_columns(columns)})")
        if not layout.key_first:
            run(f"DROP INDEX CONCURRENTLY IF EXISTS ix_{old}_key")
            run(f"CREATE INDEX CONCURRENTLY ix_{old}_key ON {name} ({_columns(layout.key)})")
        run(f"ALTER TABLE {name} DROP CONSTRAINT IF EXISTS ck_{old}")
        run(f"ALTER TABLE {name} ADD CONSTRAINT ck_{old} CHECK (year <= {today.year}) NOT VALID")
        run(f"ALTER TABLE {name} VALIDATE CONSTRAINT ck_{old}")


def _exchange_soon(engine: Engine, layout: Layout, today: date) -> None:
    """Retries the exchange until the tables can be locked in time."""
    for attempt in range(TRIES):
        try:
            with engine.begin() as connection:
                exchange(connection, layout, today)
            return
        except OperationalError as error:
            if not isinstance(error.orig, LockNotAvailable):
                raise
            time.sleep(PAUSE * (1 + attempt % 3))
    raise Refused(f"有人一直占着 {layout.name}，它没有动。请过一会儿再运行一次同样的命令")


def exchange(connection: Connection, layout: Layout, today: date) -> None:
    """Makes the table the first partition of a new table with the same name.

    Foreign keys to it are dropped: a key across partitions includes the district and the year,
    which the referencing tables don't have. `academy db check` looks for dangling references
    instead.
    """
    run = connection.exec_driver_sql
    name, old, table = layout.name, f"{layout.name}_early", metadata.tables[layout.name]
    for limit in LIMITS:
        run(limit)
    # Take all locks at once, in the order in which a save takes them, so that nothing waits later
    # on.
    referenced = sorted({key.column.table.name for key in table.foreign_keys} - {name})
    for table_name in (*referenced, name):
        run(f"LOCK TABLE {table_name} IN ACCESS EXCLUSIVE MODE")
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
    # The existing indexes become partitions of the new ones; the validated check spares a full
    # scan.
    bounds = f"FOR VALUES FROM (MINVALUE) TO ({today.year + 1})"
    run(f"ALTER TABLE {name} ATTACH PARTITION {old} {bounds}")
    run(f"ALTER TABLE {old} DROP CONSTRAINT ck_{old}")
    # A default partition, so that no row is refused when a clock is years off.
    run(f"CREATE TABLE {name}_other PARTITION OF {name} DEFAULT")
    make_ahead(connection, today)
