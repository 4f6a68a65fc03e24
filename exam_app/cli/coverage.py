"""`academy coverage`."""

from __future__ import annotations

from datetime import datetime

import click

from exam_app.cli.tools import emit, json_option, json_text, open_session, write_file
from training_records.coverage.definition import CoverageReport, default_as_of, report_dict
from training_records.coverage.definition import coverage as compute
from training_records.coverage.running import rebuild as build_anew
from training_records.coverage.workbook import coverage_workbook
from training_records.database import now
from training_records.divisions import division_names


@click.command()
@click.option("--year", type=click.IntRange(2000, 2100), required=True)
@click.option("--division", default="370200000000", show_default=True, help="12 位区划编码")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="某一天的情况（默认今天或年末）")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "xlsx"]),
    default="table",
    show_default=True,
)
@click.option("--out", type=click.Path(dir_okay=False), help="写入文件")
@click.option("--rebuild", is_flag=True, help="先把网页用的各地数字从原始记录全部重算一遍")
@json_option
def coverage(
    *,
    year: int,
    division: str,
    as_of: datetime | None,
    form: str,
    out: str | None,
    rebuild: bool,
    as_json: bool,
) -> None:
    """年度培训覆盖率，列出未覆盖的人。"""
    form = "json" if as_json else form
    if form == "xlsx" and not out:
        raise click.UsageError("--format xlsx 要用 --out 指定文件")
    with open_session() as (session, config):
        today = now().astimezone(config.zone).date()
        if rebuild:
            build_anew(session, today)
            session.commit()
        day = as_of.date() if as_of else default_as_of(year, today)
        report = compute(session, division, year, as_of=day)
        if form == "xlsx":
            names = division_names(session)
            write_file(str(out), coverage_workbook(session, report, names))
            return
    if form == "json":
        data = report_dict(report)
        if out:
            write_file(out, json_text(data).encode())
        else:
            emit(data)
        return
    text = _table(report)
    if out:
        write_file(out, text.encode())
    else:
        click.echo(text)


def _table(report: CoverageReport) -> str:
    lines = [
        f"{report.total.name} {report.year} 年培训覆盖（截至 {report.as_of}）",
        "区域\t在岗\t已覆盖\t待训\t未覆盖\t覆盖率\t不含待训\t初任未合格",
    ]
    for row in [*report.children, report.total]:
        rates = ["-" if r is None else f"{r:.1%}" for r in (row.rate, row.rate_without_pending)]
        name = "合计" if row is report.total else row.name
        lines.append(
            "\t".join(
                [
                    name,
                    *map(str, (row.in_post, row.covered, row.pending, row.uncovered)),
                    *rates,
                    str(row.not_inducted),
                ]
            )
        )
    missing = [s for s in report.standings if s.status != "covered"]
    lines.append(f"没有覆盖的 {len(missing)} 人：")
    lines += [f"{s.division_code}\t{s.name}\t{s.reason}" for s in missing]
    return "\n".join(lines)
