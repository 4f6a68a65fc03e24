"""`academy db`: migrations, integrity check, backup and restore, moving between engines."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from exam_app.cli.tools import emit, json_option, say, stop
from exam_app.config import Config, load_config
from exam_app.migrations.running import upgrade
from exam_app.operations import backups
from exam_app.operations.dumps import dump, load
from exam_app.operations.moving import copy_all
from exam_app.operations.partitions import partition
from training_records.database import make_engine, now
from training_records.errors import Refused

identity_option = click.option(
    "--identity",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="age 私钥文件（备份加了密时）",
)


@click.group()
def db() -> None:
    """数据库：升级、检查、备份、恢复、搬家。"""


@db.command("upgrade")
def upgrade_command() -> None:
    """把表升级到当前版本。"""
    config = load_config()
    config.instance.mkdir(parents=True, exist_ok=True)
    engine = make_engine(config.database_url)
    upgrade(engine)
    engine.dispose()
    say("表已是最新版本")


@db.command("partition")
def partition_command() -> None:
    """把最大的几张表按年分区、按区编码建键（只用于 PostgreSQL，可以在使用中做，可以重做）。"""
    config = load_config()
    engine = make_engine(config.database_url)
    try:
        partitioned = partition(engine, now().astimezone(config.zone).date())
    except Refused as error:
        raise click.ClickException(str(error)) from None
    finally:
        engine.dispose()
    say(f"分好了：{'、'.join(partitioned)}" if partitioned else "早已分好")


@db.command()
@json_option
def check(as_json: bool) -> None:
    """检查完整性：引擎自检、外键、版本、各表行数。"""
    engine = make_engine(load_config().database_url)
    problems = backups.check_database(engine)
    counts = backups.count_rows(engine)
    engine.dispose()
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
    """数据库在线备份到 FILE（不用停服务）。附件和录像不在里面，整套备份用 nightly。"""
    dump(load_config().database_url, Path(file))
    say(f"已备份到 {file}")


@db.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
def restore(file: str) -> None:
    """从 FILE 恢复，现有数据会先另存一份。"""
    saved_copy = load(load_config().database_url, Path(file))
    if saved_copy:
        say(f"原来的数据已另存为 {saved_copy}")
    say("已恢复。请运行 academy db check 和 academy archive verify 核对")


def _recipients(config: Config, from_options: tuple[str, ...]) -> list[str]:
    return list(from_options) or [
        r.strip() for r in config.backup_recipients.split(",") if r.strip()
    ]


@db.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--encrypt-to", "recipients", multiple=True, help="age 公钥，可写几个")
@click.option(
    "--keep",
    type=click.IntRange(1, 366),
    nargs=3,
    default=backups.KEEP,
    show_default=True,
    help="留最近几天、几周、几个月的",
)
def nightly(folder: Path, recipients: tuple[str, ...], keep: tuple[int, int, int]) -> None:
    """整套备份到 FOLDER（数据库、附件、录像、存档点），加密，按规矩删旧的。每晚由定时任务运行。"""
    config = load_config()
    keys = _recipients(config, recipients)
    bundle = backups.make_bundle(config, folder, keys)
    expired = backups.superfluous(backups.bundles_in(folder), keep)
    for path in expired:
        path.unlink()
    encryption = "已加密" if keys else "没有加密：请设 ACADEMY_BACKUP_RECIPIENTS"
    say(
        f"已备份到 {bundle}（{bundle.stat().st_size / 2**20:.1f} MB，{encryption}），删掉旧的 {len(expired)} 份"
    )


@db.command()
@click.argument("place", type=click.Path(exists=True, path_type=Path))
@identity_option
@json_option
def drill(place: Path, identity: Path | None, as_json: bool) -> None:
    """恢复演练：把 PLACE（一份整套备份，或放备份的文件夹里最新的一份）恢复到一旁，逐项核对，不动正式数据。"""
    if place.is_dir():
        found = backups.bundles_in(place)
        if not found:
            raise Refused(f"{place} 里没有整套备份")
        place = found[0][1]
    proof = backups.drill(load_config(), place, identity)
    if as_json:
        emit(asdict(proof))
    else:
        click.echo(f"备份 {proof.bundle}，{proof.made_at}")
        click.echo(
            f"{sum(proof.rows.values())} 行，档案 {proof.archive} 条，操作记录 {proof.audit} 条，附件抽查 {proof.evidence} 个"
        )
        for problem in proof.problems:
            click.echo(problem)
        click.echo(
            "能恢复，没有发现问题" if not proof.problems else f"{len(proof.problems)} 个问题"
        )
    stop(1 if proof.problems else 0)


@db.command("restore-all")
@click.argument("bundle", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@identity_option
def restore_all(bundle: Path, identity: Path | None) -> None:
    """从一份整套备份恢复数据库、附件和录像。"""
    backups.restore_bundle(load_config(), bundle, identity)
    say("已恢复。请运行 academy db upgrade、academy db check 和 academy archive verify 核对")


@db.command()
@click.option("--from", "source", required=True, help="原来的数据库地址")
@click.option("--to", "target", required=True, help="新的、空的数据库地址")
@json_option
def copy(source: str, target: str, as_json: bool) -> None:
    """把全部数据搬到另一个数据库（例如从 SQLite 到 PostgreSQL），按行数和记录链核对。"""
    engines = make_engine(source), make_engine(target)
    try:
        rows = copy_all(*engines, told=lambda name, n: say(f"{name} {n}") if n else None)
    finally:
        for engine in engines:
            engine.dispose()
    if as_json:
        emit({"rows": rows})
    say(f"搬好了 {sum(rows.values())} 行。把 ACADEMY_DATABASE_URL 改成新地址，再启动服务")
