"""`academy report`: reports as documents."""

from __future__ import annotations

from datetime import datetime

import click

from exam_app.audit.service import record
from exam_app.cli.tools import open_session, say, write_file
from exam_app.reports.annual import annual_docx, gather
from training_records.database import now, read_only


@click.group()
def report() -> None:
    """报告（Word）。"""


@report.command()
@click.option("--year", type=click.IntRange(2000, 2100), required=True)
@click.option("--division", required=True, help="区划编码")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="数字算到哪一天（默认今天）")
@click.option("--out", type=click.Path(dir_okay=False), required=True)
def annual(*, year: int, division: str, as_of: datetime | None, out: str) -> None:
    """区（市）年度自查报告，10 月 30 日前报送；系统知道的数字都填好，其余留空。"""
    with open_session() as (session, config):
        read_only(session)
        day = as_of.date() if as_of else now().astimezone(config.zone).date()
        content = gather(session, division, year, as_of=day, zone=config.zone)
        data = annual_docx(session, content)
        session.rollback()
        record(
            session, "cli", "report.annual", subject=f"division:{division}", detail={"year": year}
        )
        session.commit()
    write_file(out, data)
    say(f"数字截至 {content.as_of}；写着“（请填写）”的地方请补上。")
