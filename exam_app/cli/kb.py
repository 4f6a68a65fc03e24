"""`academy kb`: the knowledge base."""

from __future__ import annotations

import datetime
import shutil
from pathlib import Path

import click

from exam_app.cli.tools import say, stop
from exam_app.config import checkout, load_config
from exam_app.kb.history import record_changes
from exam_app.kb.pages import write_sources
from exam_app.kb.readability import offenders
from exam_app.kb.site import build_folder, build_site


@click.group()
def kb() -> None:
    """知识库。"""


@kb.command()
@click.option("--strict", is_flag=True, help="有断链、断锚点、没出处、没记变化就失败")
def build(strict: bool) -> None:
    """生成页面并建成网站。"""
    config = load_config()
    config.instance.mkdir(parents=True, exist_ok=True)
    build_site(config.instance / "kb", strict=strict, force=True)
    long = offenders()
    for offender in long:
        say(str(offender))
    say(f"知识库建好了：{config.instance / 'kb'}；偏长的句子 {len(long)} 处")


@kb.command()
def sources() -> None:
    """只生成 build/docs 下的 Markdown（给 mkdocs serve、zensical 用）。"""
    pages = write_sources((checkout() or Path()) / "build" / "docs")
    say(f"生成了 {len(pages)} 页")


@kb.command()
@click.argument("folder", type=click.Path(path_type=Path))
def folder(folder: Path) -> None:
    """建成一个文件夹，拷到 U 盘上不用网就能打开；名字以 .zip 结尾就打成压缩包。"""
    target = folder.with_suffix("") if folder.suffix == ".zip" else folder
    build_folder(target)
    if folder.suffix == ".zip":
        shutil.make_archive(str(target), "zip", target.parent, target.name)
    say(f"建好了：{folder}，打开里面的 index.html 就能看")


@kb.command()
@click.argument("note")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="哪天改的，默认今天")
def record(note: str, day: datetime.datetime | None) -> None:
    """把事实里改过的记录记进“改了什么”，受影响的题会列入复看。"""
    if checkout() is None:
        say("事实要在源代码里改、在源代码里记，安装好的学堂里改不了")
        stop(1)
    count = record_changes(note, (day or datetime.datetime.now()).date())
    say(f"记下了 {count} 条变化" if count else "没有要记的变化")
