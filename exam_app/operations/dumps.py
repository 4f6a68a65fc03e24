"""Dump and restore of a database as one file; a dump can be taken while the service runs."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from psycopg.conninfo import make_conninfo
from sqlalchemy.engine import make_url

from training_records.database import engine_url, libpq
from training_records.errors import Refused
from training_records.files import written_whole


def is_sqlite(url: str) -> bool:
    """Whether a database URL is one of SQLite."""
    return url.startswith("sqlite")


def path_of(url: str) -> Path:
    """The file of a SQLite database."""
    return Path(str(make_url(url).database))


def dump(url: str, file: Path) -> None:
    """Writes a consistent snapshot of the database: SQLite's online backup, or `pg_dump`."""
    with written_whole(file) as partial:
        if is_sqlite(url):
            _copy(path_of(url), partial)
        else:
            _postgres("pg_dump", url, "--format=custom", f"--file={partial}", None)


def load(url: str, file: Path) -> Path | None:
    """Replaces the database by a dump; returns the backup copy made of a SQLite file.

    `Refused` when the dump is damaged; nothing has been changed then.
    """
    if not is_sqlite(url):
        options = ("--clean", "--if-exists", "--no-owner", "--single-transaction", "--dbname")
        _postgres("pg_restore", url, *options, None, str(file))
        return None
    current, saved_copy = path_of(url), None
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as source:
        try:
            sound = source.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        except sqlite3.DatabaseError:
            sound = False
        if not sound:
            raise Refused(f"{file} 不是备份文件或已损坏，没有恢复。请换一份备份")
        if current.exists():
            saved_copy = current.with_suffix(".before-restore.db")
            _copy(current, saved_copy)
        # Use SQLite's backup API, so that open connections see the restored data.
        with closing(sqlite3.connect(current)) as target:
            source.backup(target)
    return saved_copy


def _copy(source: Path, target: Path) -> None:
    with (
        closing(sqlite3.connect(source)) as source_connection,
        closing(sqlite3.connect(target)) as target_connection,
    ):
        source_connection.backup(target_connection)


def _postgres(tool: str, url: str, *arguments: str | None) -> None:
    """Runs a PostgreSQL tool; None among the arguments stands for the connection string, without password."""
    address = libpq(engine_url(url))
    password = address.pop("password", None)
    conninfo = make_conninfo(**address)
    environment = {**os.environ, **({"PGPASSWORD": password} if password else {})}
    command = [tool, *(conninfo if a is None else a for a in arguments)]
    try:
        completed = subprocess.run(command, capture_output=True, text=True, env=environment)  # noqa: S603
    except FileNotFoundError:
        raise Refused(
            f"没有找到 {tool}。请安装 PostgreSQL 的客户端：apt install postgresql-client"
        ) from None
    if completed.returncode:
        raise Refused(f"{tool} 没有成功：{completed.stderr.strip()}")
