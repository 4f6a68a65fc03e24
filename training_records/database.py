"""Declarative base, column types, engines and sessions for SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias, cast, get_args

from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import (
    JSON,
    URL,
    CheckConstraint,
    Connection,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    Row,
    SmallInteger,
    String,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

from training_records.clock import CLOCK
from training_records.write_queue import QueuedConnection, queue_for

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


# A result row whose columns are read by name.
NamedRow: TypeAlias = Row[*tuple[object, ...]]
# The content of a JSON column or document.
JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | float | bool | None"


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, stored as naive UTC on every engine."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {dict[str, Any]: Json, list[Any]: Json, datetime: UtcDateTime}


def now() -> datetime:
    """Returns the current UTC time by the server's clock, which alone is authoritative."""
    return datetime.fromtimestamp(CLOCK.time(), UTC)


def one_of(column: str, values: Any) -> CheckConstraint:
    """Returns a check constraint that limits a column to a Literal's values. PostgreSQL only: to add a check, SQLite
    rebuilds the whole table."""
    allowed = get_args(values)
    listed = ", ".join(f"'{value}'" for value in allowed)
    check = CheckConstraint(f"{column} IN ({listed})", name=column)
    check.info.update(column=column, values=allowed)
    return check.ddl_if(dialect="postgresql")


class PartitionKey:
    """Columns by which the largest tables are partitioned on PostgreSQL (`academy db partition`): the district of the
    person a row is about, and the row's year. Rows older than these columns hold '' and 0."""

    district: Mapped[str] = mapped_column(String(12), default="", server_default="", sort_order=99)
    year: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0", sort_order=99)


def engine_url(address: str) -> URL:
    """Parses an address into an SQLAlchemy URL. Also accepts libpq's form with several hosts
    (``postgresql://user@one:5432,two:5432/academy?target_session_attrs=read-write``): each connection goes to the
    first host that satisfies `target_session_attrs`, also after a failover."""
    if not address.startswith(("postgresql://", "postgres://")):
        return make_url(address)
    params = conninfo_to_dict(address)
    hosts, ports = (str(params.pop(name, "")).split(",") for name in ("host", "port"))
    user, password, name = (params.pop(part, None) for part in ("user", "password", "dbname"))
    if len(hosts) == 1:
        return make_url("postgresql+psycopg://" + address.split("://", 1)[1])
    addresses = [
        f"{host}:{ports[min(index, len(ports) - 1)] or 5432}" for index, host in enumerate(hosts)
    ]
    query = {"host": addresses, **{key: str(value) for key, value in params.items()}}
    return URL.create("postgresql+psycopg", user, password, database=name, query=query)  # type: ignore[arg-type]


def libpq(url: URL) -> dict[str, str]:
    """Returns an engine's address as libpq parameters, for tools and connections that bypass SQLAlchemy."""
    query = dict(url.query)
    host = query.pop("host", ())
    addresses = [host] if isinstance(host, str) else list(host)
    if addresses and ":" in addresses[0]:
        split = [address.rpartition(":") for address in addresses]
        hosts, ports = ",".join(h for h, _, _ in split), ",".join(p for _, _, p in split)
    else:
        hosts, ports = ",".join(addresses) or (url.host or ""), str(url.port or "")
    parameters = {
        "host": hosts,
        "port": ports,
        "user": url.username,
        "password": url.password,
        "dbname": url.database,
        **{key: str(value) for key, value in query.items()},
    }
    return {key: str(value) for key, value in parameters.items() if value}


def make_engine(url: str) -> Engine:
    """An engine for SQLite (WAL, synchronous=FULL) or PostgreSQL (psycopg 3)."""
    if not url.startswith("sqlite"):
        return create_engine(
            engine_url(url), pool_pre_ping=True, pool_size=8, max_overflow=8, hide_parameters=True
        )
    # Hide parameters, so that no error message carries personal data into a log.
    engine = create_engine(
        url,
        connect_args={"timeout": 15, "factory": QueuedConnection},
        hide_parameters=True,
        **(
            {} if ":memory:" in url or url == "sqlite://" else {"pool_size": 32, "max_overflow": 16}
        ),
    )
    path = engine.url.database

    @event.listens_for(engine, "connect")
    def _pragmas(connection: QueuedConnection, _record: ConnectionPoolEntry) -> None:
        # The driver's own BEGIN comes too late (at the first write) and can't be IMMEDIATE.
        connection.isolation_level = None
        if path and path != ":memory:":
            connection.turn = queue_for(Path(path))
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # Take the write lock at BEGIN: a read transaction that turns to writing fails if its snapshot is stale.
        if connection.get_execution_options().get("read_only", False):
            connection.exec_driver_sql("BEGIN")
        else:
            try:
                cast(QueuedConnection, connection.connection.dbapi_connection).begin_writing()
            except (sqlite3.Error, OSError) as error:
                raise OperationalError("BEGIN IMMEDIATE", None, error) from error

    return engine


def make_session_factory(engine: Engine) -> sessionmaker[Session]:
    """Returns a session factory for one engine; objects stay readable after commit."""
    return sessionmaker(engine, expire_on_commit=False)


def insert_into(session: Session, table: type[Base]) -> postgresql.Insert | sqlite.Insert:
    """Returns the dialect's INSERT, which supports ``on_conflict_do_update`` and ``…_nothing``."""
    dialect = session.get_bind().dialect.name
    return (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)


def insert_missing(session: Session, table: type[Base], **values: object) -> bool:
    """Inserts a row unless its key exists, safely under concurrency. Returns whether it was inserted."""
    insert = insert_into(session, table).values(**values).on_conflict_do_nothing()
    key = table.__table__.primary_key
    return session.execute(insert.returning(*key)).first() is not None


def store(
    connection: Connection,
    table: type[Base],
    names: Sequence[str],
    *,
    rows: Iterable[Iterable[object]],
) -> int:
    """Bulk-inserts rows, each a sequence of values in the order of `names`, bypassing the ORM: by COPY on PostgreSQL,
    as one prepared statement on SQLite. Column defaults are not applied. Returns the number of rows."""
    columns = ", ".join(f'"{name}"' for name in names)
    name = table.__tablename__
    cursor: Any = connection.connection.cursor()
    try:
        if connection.dialect.name != "postgresql":
            marks = ", ".join("?" * len(names))
            statement = f"INSERT INTO {name} ({columns}) VALUES ({marks})"  # noqa: S608  # nosec B608
            cursor.executemany(statement, _stored(rows))
        else:
            with cursor.copy(f"COPY {name} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row([_naive(v) if v.__class__ is datetime else v for v in row])
        return int(cursor.rowcount)
    finally:
        cursor.close()


_PLAIN = frozenset((int, str, float, bool, type(None)))


def _stored(rows: Iterable[Iterable[object]]) -> Iterator[tuple[object, ...]]:
    """Converts rows to the values that SQLAlchemy would store in SQLite."""
    remaining = iter(rows)
    while part := list(islice(remaining, 2000)):
        # Convert column by column: most columns need no conversion and are passed through.
        yield from zip(*map(_stored_column, zip(*part, strict=True)), strict=True)


def _stored_column(values: Sequence[object]) -> Sequence[object]:
    if _PLAIN.issuperset(map(type, values)):
        return values
    return [v if v.__class__ in _PLAIN else _as_text(v) for v in values]


@lru_cache(4096)
def _as_text(value: object) -> object:
    if isinstance(value, datetime):
        return f"{_naive(value):%Y-%m-%d %H:%M:%S.%f}"
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def _naive(value: datetime) -> datetime:
    return value.astimezone(UTC).replace(tzinfo=None)


def read_only(session: Session) -> Session:
    """Marks a new session's transaction as read-only, so that it takes no write lock on SQLite."""
    session.connection(execution_options={"read_only": True})
    return session
