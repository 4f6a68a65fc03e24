from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
import time_machine
import yaml
from click.testing import CliRunner

from exam_app.cli import cli, main
from exam_app.config import ConfigError, load_config
from tests.factories import today
from training_records.database import now


@pytest.fixture(scope="module", autouse=True)
def one_moment():
    """The demonstration's records end on the day it is made, which must not be over before the last test."""
    with time_machine.travel(now().timestamp(), tick=False):
        yield


@pytest.fixture
def year():
    return str(today().year)


@pytest.fixture(scope="module")
def instance(tmp_path_factory):
    folder = tmp_path_factory.mktemp("instance")
    site = folder / "kb"
    site.mkdir()
    from exam_app.kb.site import fingerprint

    # The site itself is built and read in the browser tests.
    (site / ".fingerprint").write_text(fingerprint())
    return folder


@pytest.fixture
def academy(instance, monkeypatch):
    monkeypatch.setenv("ACADEMY_INSTANCE", str(instance))

    def run(*arguments, code=0):
        result = CliRunner().invoke(cli, list(arguments))
        assert result.exit_code == code, (result.output, result.exception)
        return result.stdout

    return run


@pytest.fixture
def demo(academy):
    return json.loads(academy("demo", "--people", "60", "--no-serve", "--json"))


def test_demo_announces_one_account_per_role(demo):
    assert [a["role"] for a in demo["accounts"]] == [
        "director",
        "supervisor",
        "district",
        "city",
        "operator",
    ]
    assert len(demo["directors"]) == 60 and demo["exam_id"] == 1


def test_a_second_demo_keeps_the_data(academy, demo):
    assert json.loads(academy("demo", "--people", "60", "--no-serve", "--json")) == demo


def test_coverage_in_every_format(academy, demo, year, tmp_path):
    data = json.loads(academy("coverage", "--year", year, "--format", "json"))
    assert data["in_post"] == 60 == data["covered"] + data["pending"] + data["uncovered"]
    assert sum(c["in_post"] for c in data["children"]) == 60
    assert len(data["people"]) == 60 - data["covered"]
    assert "合计" in academy("coverage", "--year", year)
    academy("coverage", "--year", year, "--format", "xlsx", "--out", str(tmp_path / "c.xlsx"))
    assert (tmp_path / "c.xlsx").read_bytes()[:2] == b"PK"
    again = json.loads(academy("coverage", "--year", year, "--rebuild", "--json"))
    assert again == data


def test_ledger_commands(academy, demo, tmp_path):
    template, out = str(tmp_path / "t.xlsx"), str(tmp_path / "l.xlsx")
    academy("ledger", "template", template)
    academy("ledger", "export", out)
    report = json.loads(academy("ledger", "import", out, "--dry-run", "--json"))
    assert report["rows"] == report["unchanged"] and report["errors"] == []
    broken = json.loads(
        academy(
            "ledger", "import", template, "--json", "--errors", str(tmp_path / "e.xlsx"), code=1
        )
    )
    assert broken["errors"][0]["row"] == 3 and broken["applied"] is False


def test_archive_and_audit(academy, demo, tmp_path):
    assert json.loads(academy("archive", "verify", "--json"))["ok"] is True
    academy("archive", "export", "2", "--out", str(tmp_path / "a.json"))
    assert json.loads((tmp_path / "a.json").read_text())["person_id"] == 2
    assert json.loads(academy("audit", "verify", "--json"))["ok"] is True
    assert json.loads(academy("audit", "tail", "--json"))[-1]["action"] == "archive.export"


def test_bank_and_paper(academy, tmp_path):
    assert json.loads(academy("bank", "check", "--json"))["problems"] == []
    assert json.loads(academy("bank", "coverage", "--json"))["missing"] == []
    made = json.loads(
        academy("paper", "assemble", "induction", "--forms", "2", "--out", str(tmp_path), "--json")
    )
    assert [len(f["items"]) for f in made["forms"]] == [50, 50]
    assert len(yaml.safe_load((tmp_path / "induction-1.yaml").read_text())["items"]) == 50


def test_backup_restores_and_check_sees_damage(academy, demo, instance, tmp_path):
    file = str(tmp_path / "b.db")
    academy("db", "backup", file)
    with sqlite3.connect(instance / "academy.db") as database:
        database.execute("DELETE FROM archive_entry WHERE seq = 1")
    database.close()
    assert json.loads(academy("archive", "verify", "--json", code=1))["breaks"]
    academy("db", "restore", file)
    assert json.loads(academy("db", "check", "--json"))["ok"] is True
    assert json.loads(academy("archive", "verify", "--json"))["ok"] is True
    (tmp_path / "no.db").write_bytes(b"not a database" * 100)
    academy("db", "restore", str(tmp_path / "no.db"), code=1)
    assert json.loads(academy("archive", "verify", "--json"))["ok"] is True


def test_accounts_from_the_shell(academy, demo):
    out = academy(
        "user",
        "create",
        "13700000001",
        "--name",
        "新人",
        "--role",
        "district",
        "--division",
        "370283000000",
    )
    assert "初始密码" in out
    assert "初始密码" in academy("user", "reset-password", "13700000001")
    academy("user", "unlock", "13700000001")


@pytest.mark.parametrize(
    "arguments", [["coverage", "--year", "1"], ["coverage"], ["user", "create", "1"], ["nonsense"]]
)
def test_wrong_usage_is_two(arguments, monkeypatch, academy):
    monkeypatch.setattr("sys.argv", ["academy", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2


def test_refusals_are_one(monkeypatch, academy, demo, year, capsys):
    monkeypatch.setattr(
        "sys.argv", ["academy", "coverage", "--year", year, "--division", "370299000000"]
    )
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 1
    assert "没有编码" in capsys.readouterr().err


def test_configuration_masks_secrets_and_names_sources(academy, monkeypatch, tmp_path):
    monkeypatch.setenv("ACADEMY_DATABASE_URL", "postgresql://me:secret@localhost/x")
    shown = academy("config", "--json")
    assert "secret@" not in shown
    values = json.loads(shown)
    assert values["ACADEMY_DATABASE_URL"]["source"] == "环境变量"
    assert values["ACADEMY_SECRET_KEY"]["value"] == "****"
    with pytest.raises(ConfigError):
        load_config({"ACADEMY_ENV": "production", "ACADEMY_INSTANCE": str(tmp_path)})
    assert Path(load_config({}, instance=tmp_path).instance) == tmp_path.resolve()
