"""`academy evaluate`: evaluates by a scheme, from the records or from a table of measures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import click

from exam_app.cli.tools import emit, json_option, open_session, write_file
from exam_app.evaluation.sources import SOURCES, check_known, frame_of
from training_records.database import now, read_only
from training_records.divisions import get_division, prefix_of
from training_records.errors import Refused
from training_records.evaluation.measures import measured
from training_records.evaluation.scheme import Scheme, load_scheme, read_scheme
from training_records.evaluation.scheme_store import SHIPPED, scheme_for
from training_records.evaluation.scoring import Result
from training_records.evaluation.scoring import evaluate as score_of
from training_records.evaluation.table import as_data, read_measures
from training_records.evaluation.workbook import SheetLine, evaluation_workbook

CITY = "370200000000"


@click.command("evaluate")
@click.option(
    "--scheme", "scheme_file", type=click.Path(exists=True, dir_okay=False), help="评价方案（YAML）"
)
@click.option(
    "--measures",
    "measures_file",
    type=click.Path(exists=True, dir_okay=False),
    help="指标表（CSV:person、months_in_post、每个指标一列）；给了它就不看数据库",
)
@click.option("--year", type=click.IntRange(2000, 2100), help="从记录里算哪一年")
@click.option("--division", default=CITY, show_default=True, help="区划编码")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="算到哪一天（默认今天）")
@click.option("--format", "form", type=click.Choice(["table", "json", "xlsx"]), default="table")
@click.option("--out", type=click.Path(dir_okay=False), help="xlsx 写到哪个文件")
@json_option
def evaluate(
    *,
    scheme_file: str | None,
    measures_file: str | None,
    year: int | None,
    division: str,
    as_of: datetime | None,
    form: str,
    out: str | None,
    as_json: bool,
) -> None:
    """按评价方案给每个人计分，说明每一分怎么来的。"""
    scheme = (
        read_scheme(Path(scheme_file).read_text("utf-8"), f"{Path(scheme_file).name} ")
        if scheme_file
        else _scheme(year, division, measures_file)
    )
    if form == "xlsx" and not out:
        raise click.UsageError("--format xlsx 要用 --out 给文件名")
    results = (
        _from_table(scheme, Path(measures_file))
        if measures_file
        else _from_records(scheme, year, division, as_of=as_of.date() if as_of else None)
    )
    if as_json or form == "json":
        emit({"results": [row.as_data() for row in results]})
        return
    if form == "xlsx":
        lines = [SheetLine(row.person, "", row.division, row.months, row.result) for row in results]
        write_file(str(out), evaluation_workbook(f"评价结果 {scheme.title}", scheme, lines))
        return
    for row in results:
        person, result = row.person, row.result
        total = "没有数据" if result.total is None else f"{result.total} 分"
        veto = "（一票否决）" if result.vetoed else ""
        click.echo(f"{person}  {total}  {result.grade or '—'}{veto}")


def _scheme(year: int | None, division: str, measures_file: str | None) -> Scheme:
    """The scheme in force for the division and year; the built-in one when no database is used."""
    if measures_file or year is None:
        return load_scheme(SHIPPED)
    with open_session() as (session, _):
        return scheme_for(read_only(session), division, year)


@dataclass(frozen=True)
class _Row:
    """One person's result; with division and months in post when computed from records."""

    person: str
    result: Result
    division: str = ""
    months: Decimal | None = None

    def as_data(self) -> dict[str, object]:
        data: dict[str, object] = {**as_data(self.person, self.result)}
        if self.months is not None:
            data |= {"division": self.division, "months_in_post": float(self.months)}
        return data


def _from_table(scheme: Scheme, path: Path) -> list[_Row]:
    rows = read_measures(path.read_bytes(), scheme)
    return [_Row(r.person, score_of(scheme, r.measures, r.months)) for r in rows]


def _from_records(
    scheme: Scheme, year: int | None, division: str, *, as_of: date | None
) -> list[_Row]:
    if year is None:
        raise Refused("请用 --measures 给指标表（CSV），或用 --year 从记录里算")
    check_known(scheme)
    with open_session() as (session, config):
        get_division(session, division)
        session.rollback()
        read_only(session)
        day = as_of or now().astimezone(config.zone).date()
        frame = frame_of(prefix_of(division), year, day, config=config)
        if frame.last < frame.first:
            raise Refused(f"{day} 还没到 {year} 年，没有记录可算")
        subjects = measured(session, frame, SOURCES)
        return [
            _Row(
                str(subject.person_id),
                score_of(scheme, subject.measures, subject.months),
                subject.code,
                Decimal(subject.months),
            )
            for subject in subjects.values()
        ]
