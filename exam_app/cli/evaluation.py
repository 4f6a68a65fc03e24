"""`academy evaluate`: evaluation by a scheme."""

from __future__ import annotations

from pathlib import Path

import click

from exam_app.cli.tools import emit, json_option
from training_records.errors import Refused
from training_records.evaluation.scheme import load_scheme, read_scheme
from training_records.evaluation.scoring import evaluate as score_of
from training_records.evaluation.table import as_data, read_measures


@click.command("evaluate")
@click.option(
    "--scheme", "scheme_file", type=click.Path(exists=True, dir_okay=False), help="评价方案(YAML)"
)
@click.option(
    "--measures",
    "measures_file",
    type=click.Path(exists=True, dir_okay=False),
    help="指标表(CSV:person、months_in_post、每个指标一列)",
)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@json_option
def evaluate(scheme_file: str | None, measures_file: str | None, form: str, as_json: bool) -> None:
    """按评价方案给每个人计分,说明每一分怎么来的。"""
    scheme = (
        read_scheme(Path(scheme_file).read_text("utf-8"), f"{Path(scheme_file).name} ")
        if scheme_file
        else load_scheme("2026")
    )
    if measures_file is None:
        raise Refused("请用 --measures 给指标表(CSV)")
    rows = read_measures(Path(measures_file).read_bytes(), scheme)
    results = [(row.person, score_of(scheme, row.measures, row.months)) for row in rows]
    if as_json or form == "json":
        emit({"results": [as_data(person, result) for person, result in results]})
        return
    for person, result in results:
        total = "没有数据" if result.total is None else f"{result.total} 分"
        veto = "(一票否决)" if result.vetoed else ""
        click.echo(f"{person}  {total}  {result.grade or '—'}{veto}")
