"""The command line `academy`."""

from __future__ import annotations

import sys

import click
from sqlalchemy.exc import OperationalError

from exam_app.cli import exchange, scales  # noqa: F401 (add commands to `bank` and `stats`)
from exam_app.cli.archive import archive, audit
from exam_app.cli.bank import bank, paper
from exam_app.cli.bench import bench
from exam_app.cli.coverage import coverage
from exam_app.cli.database import db
from exam_app.cli.evaluation import evaluate
from exam_app.cli.exam import exam
from exam_app.cli.kb import kb
from exam_app.cli.keys import keys
from exam_app.cli.ledger import ledger
from exam_app.cli.reminders import remind
from exam_app.cli.reports import report
from exam_app.cli.retention import person, retention
from exam_app.cli.run import demo, serve, show_config
from exam_app.cli.stats import stats
from exam_app.cli.users import user
from exam_app.config import ConfigError
from exam_app.kb.pages import BuildError
from exam_app.serving import settle_memory
from question_bank import BankError, InfeasibleBlueprint
from question_bank.formats.exchange import Unrepresentable
from question_bank.responses import ResponsesError
from training_records.errors import RecordsError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """儿童主任学堂：学习、考试、培训档案与覆盖率。"""


for command in (
    demo,
    serve,
    show_config,
    db,
    user,
    keys,
    ledger,
    bank,
    paper,
    exam,
    stats,
    coverage,
    archive,
    audit,
    kb,
    evaluate,
    remind,
    report,
    retention,
    person,
    bench,
):
    cli.add_command(command)


def main() -> None:
    """Runs a command; a refusal is printed as one line, with exit status 1."""
    settle_memory()
    try:
        cli(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.Abort:
        click.echo("已中断", err=True)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (
        RecordsError,
        ConfigError,
        BuildError,
        BankError,
        InfeasibleBlueprint,
        ResponsesError,
        Unrepresentable,
    ) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    except OperationalError as error:
        click.echo(
            f"数据库打不开或还没建表（{error.orig}）。请检查 ACADEMY_DATABASE_URL，并运行 academy db upgrade",
            err=True,
        )
        sys.exit(1)
    except OSError as error:
        click.echo(f"{error.filename or ''}：{error.strerror or error}", err=True)
        sys.exit(1)
