"""What `deploy/` says is so: settings, commands and figures that it names exist."""

from __future__ import annotations

import json
import re
from dataclasses import fields

import click
import yaml

from exam_app.cli import cli
from exam_app.config import PREFIX, ROOT, Config

DEPLOY = ROOT / "deploy"
HANDBOOK = (DEPLOY / "README.md").read_text("utf-8")
TEXTS = "\n".join(p.read_text("utf-8") for p in DEPLOY.iterdir() if p.is_file())


def test_every_setting_that_is_named_exists():
    known = {PREFIX + f.name.upper() for f in fields(Config)}
    named = set(re.findall(rf"{PREFIX}[A-Z_]+", TEXTS + (ROOT / "README.md").read_text("utf-8")))
    assert named <= known and len(named) >= 9


def test_every_command_that_is_named_exists():
    for words in re.findall(r"academy (?!academy)((?:[a-z][a-z-]+ ?)+)", TEXTS):
        command = cli
        for word in words.split():
            if not isinstance(command, click.Group) or word not in command.commands:
                break
            command = command.commands[word]
        assert command is not cli, words
        assert not isinstance(command, click.Group), words


def test_every_figure_that_is_watched_exists(app):
    told = app.test_client().get("/healthz") and app.test_client().get("/metrics").text
    alerts = yaml.safe_load((DEPLOY / "alerts.yml").read_text("utf-8"))
    board = json.loads((DEPLOY / "grafana.json").read_text("utf-8"))
    watched = [rule["expr"] for group in alerts["groups"] for rule in group["rules"]]
    watched += [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    for expression in watched:
        for name in re.findall(r"academy_\w+", expression):
            assert f"\n{name}{{" in told or f"\n{name} " in told, name


def test_every_file_that_the_handbook_names_is_there():
    named = set(re.findall(r"`([\w-]+\.(?:ini|yml|conf|service|timer|json))`", HANDBOOK))
    assert len(named) >= 7
    assert all((DEPLOY / name).is_file() for name in named)
    assert (DEPLOY / "try-cluster").stat().st_mode & 0o111
