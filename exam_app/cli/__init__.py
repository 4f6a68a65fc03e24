"""The command line `academy`."""

from __future__ import annotations

import sys

import click

from exam_app.cli.later import LaterGroup

# A command loads with its module; the text is the first that its own help says.
COMMANDS = {
    "demo": ("exam_app.cli.run:demo", "建好演示数据并启动（make run 用的就是它）。"),
    "serve": ("exam_app.cli.run:serve", "正式运行的服务器。"),
    "config": ("exam_app.cli.settings:show_config", "显示生效的配置和来源（密钥不显示）。"),
    "db": ("exam_app.cli.database:db", "数据库：升级、检查、备份、恢复、搬家。"),
    "user": ("exam_app.cli.users:user", "账号：新建、重设密码、解锁。"),
    "keys": ("exam_app.cli.keys:keys", "字段加密的密钥（ACADEMY_FIELD_KEYS）。"),
    "ledger": ("exam_app.cli.ledger:ledger", "台账：导入、模板、导出。"),
    # `exchange` and `scales` add their commands to the groups that they import.
    "bank": ("exam_app.cli.exchange:bank", "题库：检查、条款覆盖。"),
    "paper": ("exam_app.cli.bank:paper", "组卷。"),
    "exam": ("exam_app.cli.exam:exam", "考试：导出作答、改判、纸质考试。"),
    "stats": ("exam_app.cli.scales:stats", "统计：题目分析、项目反应理论、群体差异。"),
    "coverage": ("exam_app.cli.coverage:coverage", "年度培训覆盖率，列出未覆盖的人。"),
    "archive": ("exam_app.cli.archive:archive", "培训档案：导出、校验。"),
    "audit": ("exam_app.cli.archive:audit", "操作记录：查看、校验。"),
    "kb": ("exam_app.cli.kb:kb", "知识库。"),
    "evaluate": (
        "exam_app.cli.evaluation:evaluate",
        "按评价方案给每个人计分，说明每一分怎么来的。",
    ),
    "remind": (
        "exam_app.cli.reminders:remind",
        "看谁该提醒，记下来，按设置的方式发出去。同一件事只发一次。",
    ),
    "report": ("exam_app.cli.reports:report", "报告（Word）。"),
    "retention": (
        "exam_app.cli.retention:retention",
        "保存期限（exam_app/operations/retention.yaml）。",
    ),
    "person": ("exam_app.cli.retention:person", "人员。"),
    "bench": (
        "exam_app.cli.bench:bench",
        "性能测试（在源代码里；academy bench --help 看有哪些）。",
    ),
}


@click.group(
    cls=LaterGroup, later=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}
)
def cli() -> None:
    """儿童主任学堂：学习、考试、培训档案与覆盖率。"""


def main() -> None:
    """Runs a command; a refusal is printed as one line, with exit status 1."""
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
    except Exception as error:
        # Knowing all refusals means loading half of the product.
        from exam_app.cli.refusals import words_of

        words = words_of(error)
        if words is None:
            raise
        click.echo(words, err=True)
        sys.exit(1)
