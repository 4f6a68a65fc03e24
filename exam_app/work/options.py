"""What can be ticked on a visit, from the facts of the knowledge base (forms, cadence, needs, measures)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from training_records.facts.loading import load_facts
from training_records.work.cadence import Cadence, cadences
from training_records.work.service import Options

# What the form of paper marks as 'reported' is what has to be reported at once (未保法#11).
ALARM = "已报告"


@lru_cache
def known_cadences() -> dict[str, Cadence]:
    """Cadence by category."""
    return cadences(load_facts().data["visits"])


@lru_cache
def visit_options() -> Options:
    """The checks of the paper form, with the answers that call for a report."""
    data = load_facts().data
    form = next(f for f in data["forms"] if f["id"] == "visit")
    checks = dict(_check(line) for line in form["checks"])
    alarms = {(c, a) for c, answers in checks.items() for a in answers if ALARM in a}
    return Options(checks, alarms, data["work"]["needs"], data["work"]["measures"])


def _check(line: str) -> tuple[str, tuple[str, ...]]:
    title, _, rest = re.sub("\uff1a", ":", line).partition(":")
    return title.strip(), tuple(a.strip() for a in rest.split("□") if a.strip())


@lru_cache
def duty_steps() -> tuple[dict[str, Any], ...]:
    """The steps of a director's duty list."""
    return tuple(step for duty in load_facts().data["duties"]["director"] for step in duty["steps"])
