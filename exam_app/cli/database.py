"""`academy db`: migrations, integrity check, backup and restore."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import click
from sqlalchemy import func, select, text
from sqlalchemy.engine import make_url

from exam_app.cli.tools import emit, json_option, open_session, say, stop
from exam_app.config import Config, load_config
from exam_app.migrate import is_current, upgrade
from exam_app.models import metadata
from training_records.database import make_engine
from training_records.errors import Refused


@click.group()
def db() -> None:
    """数据库:升级、检查、备份、恢复。"""


@db.command("upgrade")
def upgrade_command() -> None:
    """把表升级到当前版本。"""
    config = load_config()
    config.instance.mkdir(parents=True, exist_ok=True)
    engine = make_engine(config.database_url)
    upgrade(engine)
    engine.dispose()
    say("表已是最新版本")


@db.command()
@json_option
def check(as_json: bool) -> None:
    """检查完整性:引擎自检、外键、版本、各表行数。"""
    problems = []
    with open_session() as (session, _):
        engine = session.get_bind()
        if engine.dialect.name == "sqlite":
            problems += [
                r[0] for r in session.execute(text("PRAGMA integrity_check")) if r[0] != "ok"
            ]
            problems += [
                f"外键断了:{r[0]} 第 {r[1]} 行"
                for r in session.execute(text("PRAGMA foreign_key_check"))
            ]
        if not is_current(engine):  # type: ignore[arg-type]
            problems.append("表不是最新版本,请运行 academy db upgrade")
        counts = {
            t.name: session.scalar(select(func.count()).select_from(t))
            for t in metadata.sorted_tables
        }
    if as_json:
        emit({"ok": not problems, "problems": problems, "rows": counts})
    else:
        for name, count in counts.items():
            click.echo(f"{name:<20}{count:>10}")
        for problem in problems:
            click.echo(problem)
        click.echo("没有发现问题" if not problems else f"发现 {len(problems)} 个问题")
    stop(1 if problems else 0)


@db.command()
@click.argument("file", type=click.Path(dir_okay=False))
def backup(file: str) -> None:
    """在线备份到 FILE(不用停服务)。"""
    config = load_config()
    if config.database_url.startswith("sqlite"):
        partial = Path(f"{file}.partial")
        _copy(_path(config), partial)
        partial.replace(file)
    else:
        _postgres("pg_dump", config, "--format=custom", f"--file={file}")
    say(f"已备份到 {file}")


@db.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
def restore(file: str) -> None:
    """从 FILE 恢复,现有数据会先另存一份。"""
    config = load_config()
    if config.database_url.startswith("sqlite"):
        current = _path(config)
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as source:
            try:
                sound = source.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            except sqlite3.DatabaseError:
                sound = False
            if not sound:
                raise Refused(f"{file} 不是备份文件或已损坏,没有恢复。请换一份备份")
            if current.exists():
                kept = current.with_suffix(".before-restore.db")
                _copy(current, kept)
                say(f"原来的数据已另存为 {kept}")
            # Through SQLite's own backup, so that connections still open see the restored data.
            with closing(sqlite3.connect(current)) as target:
                source.backup(target)
    else:
        _postgres(
            "pg_restore",
            config,
            "--clean",
            "--if-exists",
            "--no-owner",
            "--single-transaction",
            "--dbname",
            None,
            file,
        )
    say("已恢复。请运行 academy db check 和 academy archive verify 核对")


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def _path(config: Config) -> Path:
    return Path(str(make_url(config.database_url).database))


def _postgres(tool: str, config: Config, *arguments: str | None) -> None:
    url = make_url(config.database_url).set(drivername="postgresql")
    address = url.set(password=None).render_as_string()
    filled = [a if a is not None else address for a in arguments]
    if None not in arguments:
        filled.append(address)
    environment = {**os.environ, **({"PGPASSWORD": url.password} if url.password else {})}
    done = subprocess.run([tool, *filled], capture_output=True, text=True, env=environment)  # noqa: S603
    if done.returncode:
        raise Refused(f"{tool} 没有成功:{done.stderr.strip()}")
