"""What is asked of directors on a day, from the facts: cadences, duty steps, what can be ticked on a visit."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from training_records.facts.loading import FactData, load_facts
from training_records.work.cadence import Cadence, cadences
from training_records.work.service import Options


@lru_cache(maxsize=32)
def known_cadences(day: date) -> dict[str, Cadence]:
    """Cadence by category."""
    return cadences(load_facts().on(day)["visits"])


@lru_cache(maxsize=32)
def visit_options(day: date) -> Options:
    """The checks of a visit, with the answers that call for a report (未保法#11)."""
    asked = load_facts().on(day)["work"]
    ever = sorted(load_facts().data["work"]["findings"], key=lambda f: f["from"])
    labels: dict[tuple[str, ...], str] = {}
    for finding in ever:
        labels[finding["id"],] = finding["label"]
        labels |= {(finding["id"], a["id"]): a["label"] for a in finding["answers"]}
    return Options(
        checks={f["id"]: tuple(a["id"] for a in f["answers"]) for f in asked["findings"]},
        alarms={(f["id"], a["id"]) for f in asked["findings"] for a in f["answers"] if a["report"]},
        needs={o["id"]: o["label"] for o in asked["needs"]},
        measures={o["id"]: o["label"] for o in asked["measures"]},
        labels=labels,
    )


@lru_cache(maxsize=32)
def duty_steps(day: date) -> tuple[FactData, ...]:
    """The steps of a director's duty list."""
    duties = load_facts().on(day)["duties"]["director"]
    return tuple(step for duty in duties for step in duty["steps"])
