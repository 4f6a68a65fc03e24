"""Commands load with what they need and nothing else."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from exam_app.cli import COMMANDS, cli, main
from exam_app.cli.later import Later
from exam_app.config import ROOT

# What takes long to load, or much memory.
HEAVY = {"alembic", "cv2", "docx", "flask", "mkdocs", "numpy", "pydantic", "scipy", "sqlalchemy"}


def loaded_by(program: str) -> set[str]:
    """The modules at the top that a program loads."""
    told = "; import sys; print(*{m.split('.')[0] for m in sys.modules})"
    command = [sys.executable, "-c", program + told]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_what_the_command_itself_says(name):
    later = cli.commands[name]
    assert isinstance(later, Later)
    command = later.load()
    assert not isinstance(command, Later) and command.name == name
    assert later.help == command.help
    assert later.get_short_help_str(60) == command.get_short_help_str(60)


@pytest.mark.parametrize(
    "program",
    [
        "import exam_app.config",
        "from exam_app.cli import cli; cli(['--help'], standalone_mode=False)",
        "from exam_app.cli import cli; cli(['config', '--json'], standalone_mode=False)",
        "import exam_app.cli.bench",
        "import exam_app.serving",
    ],
)
def test_what_needs_no_database_loads_none(program):
    assert not loaded_by(program) & HEAVY


def test_reading_questions_loads_no_solver():
    assert "scipy" not in loaded_by("from question_bank import load_bank, assemble, check_bank")


def test_a_worker_loads_no_library_that_it_may_never_need():
    found = loaded_by("import exam_app.application, exam_app.background")
    assert {"flask", "sqlalchemy"} <= found
    assert not found & {
        "alembic",
        "authlib",
        "cv2",
        "mkdocs",
        "requests",
        "scipy",
        "typst",
        "webauthn",
    }


def test_groups_have_the_commands_that_other_modules_add():
    for words in (("bank", "import"), ("stats", "angoff")):
        answer = CliRunner().invoke(cli, [*words, "--help"])
        assert answer.exit_code == 0 and "Usage:" in answer.output


def test_the_shell_completes_names_and_what_stands_below_them():
    def completed(words: list[str], begun: str) -> list[str]:
        shell = ShellComplete(cli, {}, "academy", "_ACADEMY_COMPLETE")
        return [item.value for item in shell.get_completions(words, begun)]

    assert completed([], "st") == ["stats"]
    assert completed(["stats"], "it") == ["items"]
    assert "--workers" in completed(["serve"], "--w")


def test_an_unknown_command_is_a_usage_error(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["academy", "pour"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2 and "pour" in capsys.readouterr().err


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), ValueError("x")])
def test_an_error_that_nobody_expects_keeps_its_traceback(monkeypatch, error):
    @click.command("config")
    def broken() -> None:
        raise error

    monkeypatch.setattr(sys, "argv", ["academy", "config"])
    monkeypatch.setattr(Later, "load", lambda self: broken)
    with pytest.raises(type(error)):
        main()
