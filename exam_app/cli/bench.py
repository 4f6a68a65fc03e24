"""`academy bench`: runs the benchmarks of a source checkout; they are not part of the installed package."""

from __future__ import annotations

import os
import subprocess
import sys

import click

from exam_app.cli.tools import say, stop
from exam_app.config import checkout


@click.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def bench(arguments: tuple[str, ...]) -> None:
    """性能测试（在源代码里；academy bench --help 看有哪些）。"""
    root = checkout()
    if root is None:
        say(
            "性能测试不在安装包里。请取一份源代码，在它的文件夹里运行 make bench,"
            "或 .venv/bin/academy bench 名称"
        )
        stop(1)
    path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
    completed = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "benchmarks", *arguments], env={**os.environ, "PYTHONPATH": path}
    )
    stop(completed.returncode)
