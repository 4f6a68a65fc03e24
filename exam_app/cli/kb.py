"""`academy kb`: the knowledge base."""

from __future__ import annotations

import click

from exam_app.cli.tools import say
from exam_app.config import load_config
from exam_app.kb.pages import build_site, write_sources


@click.group()
def kb() -> None:
    """知识库。"""


@kb.command()
@click.option("--strict", is_flag=True, help="有断链、断锚点就失败")
def build(strict: bool) -> None:
    """生成页面并建成网站。"""
    config = load_config()
    config.instance.mkdir(parents=True, exist_ok=True)
    build_site(config.instance / "kb", strict=strict, force=True)
    say(f"知识库建好了:{config.instance / 'kb'}")


@kb.command()
def sources() -> None:
    """只生成 build/docs 下的 Markdown(给 mkdocs serve、zensical 用)。"""
    say(f"生成了 {len(write_sources())} 页")
