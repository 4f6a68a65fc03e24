"""Figures that `deploy/` watches exist."""

from __future__ import annotations

import json
import re

import yaml

from exam_app.config import ROOT

DEPLOY = ROOT / "deploy"


def test_every_figure_that_is_watched_exists(app):
    told = app.test_client().get("/healthz") and app.test_client().get("/metrics").text
    alerts = yaml.safe_load((DEPLOY / "alerts.yml").read_text("utf-8"))
    board = json.loads((DEPLOY / "grafana.json").read_text("utf-8"))
    watched = [rule["expr"] for group in alerts["groups"] for rule in group["rules"]]
    watched += [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    for expression in watched:
        for name in re.findall(r"academy_\w+", expression):
            assert f"\n{name}{{" in told or f"\n{name} " in told, name
