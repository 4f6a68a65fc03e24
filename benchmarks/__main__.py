"""`academy bench`: measurements as ratios against a reference in the same run."""

from __future__ import annotations

from typing import Any

import click

from benchmarks.catalogue import BENCHES
from benchmarks.results import Result
from exam_app.cli.tools import emit, json_option


@click.command()
@click.argument("name", type=click.Choice([*BENCHES, "all"]))
@click.option(
    "--full",
    is_flag=True,
    help="stats、irt、coverage、export 用 65 万人，import 10 万行，render 7000 张，fuzz 每种格式 5 万个文件，kill 杀 50 次，sheets 读 600 张",
)
@click.option("--examinees", type=click.IntRange(1, 100_000), help="exam 的人数")
@click.option("--minutes", type=float, help="exam 的时长（分钟）")
@click.option("--compress", type=float, help="exam 压缩几倍：60 分钟压缩 60 倍就跑 1 分钟")
@click.option("--opening", type=float, help="exam 的人在几秒内全部开始（不压缩）")
@click.option("--rows", type=click.IntRange(1000, 140_000), help="import 的行数")
@click.option(
    "--people",
    type=click.IntRange(100, 2_000_000),
    help="coverage、export、practice、door、evaluation、partition 的人数（全国约 65 万，全市约 7000）",
)
@click.option(
    "--engine", type=click.Choice(["SQLite", "PostgreSQL"]), help="coverage、exam 只测一种数据库"
)
@json_option
def bench(
    *,
    name: str,
    full: bool,
    examinees: int | None,
    minutes: float | None,
    compress: float | None,
    opening: float | None,
    rows: int | None,
    people: int | None,
    engine: str | None,
    as_json: bool,
) -> None:
    """性能测试：import、coverage、export、assemble、render、stats、irt、fuzz、save、exam、kill、storm、start、sheets、practice、door、evaluation、partition。"""
    names = list(BENCHES) if name == "all" else [name]
    sizes: dict[str, dict[str, Any]] = (
        {
            "stats": {"persons": 650_000},
            "irt": {"many": 650_000},
            "fuzz": {"runs": 50_000},
            "kill": {"rounds": 25},
            "sheets": {"count": 200, "seeds": 3},
            "render": {"count": 7000},
            "import": {"rows": 100_000},
            "coverage": {"people": 650_000},
            "export": {"people": 650_000},
            "practice": {"people": 7000},
            "evaluation": {"people": 70_000},
            "partition": {"people": 70_000},
        }
        if full
        else {}
    )
    sizes["exam"] = {
        key: value
        for key, value in (
            ("examinees", examinees),
            ("minutes", minutes),
            ("compress", compress),
            ("opening", opening),
        )
        if value is not None
    }
    if rows:
        sizes["import"] = {"rows": rows}
    if people:
        sizes["coverage"] = {"people": people}
    if engine:
        for measured in ("coverage", "exam"):
            sizes.setdefault(measured, {})["engines"] = (engine,)
    benches: dict[str, Any] = {**BENCHES}
    if people:
        for measured in ("export", "practice", "door", "evaluation", "partition"):
            sizes[measured] = {"people": people}
    results = [benches[n](**sizes.get(n, {})) for n in names]
    if as_json:
        emit(results[0] if name != "all" else results)
        return
    for result in results:
        _print(result)


def _print(result: Result) -> None:
    click.echo(f"== {result['name']}({result['machine']})")
    for row in result["rows"]:
        click.echo("  " + "  ".join(f"{k}={v}" for k, v in row.items()))
    for name, value in result["ratios"].items():
        click.echo(f"  比值 {name} = {value:.2f}")


if __name__ == "__main__":
    bench(prog_name="academy bench")
