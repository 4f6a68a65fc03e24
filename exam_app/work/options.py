"""Facts of daily work in force on a day: visiting cadences, duty steps, options of the visit form."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from training_records.facts.loading import FactData, load_facts
from training_records.work.cadence import Cadence, cadences
from training_records.work.service import Options


@lru_cache(maxsize=32)
def known_cadences(day: date) -> dict[str, Cadence]:
    """Returns the visiting cadence by category."""
    return cadences(load_facts().on(day)["visits"])


@lru_cache(maxsize=32)
def visit_options(day: date) -> Options:
    """Returns the options of the visit form, with the answers under mandatory reporting (未保法#11). Labels include
    findings no longer in force, for past visits."""
    in_force = load_facts().on(day)["work"]
    all_findings = sorted(load_facts().data["work"]["findings"], key=lambda f: f["from"])
    labels: dict[tuple[str, ...], str] = {}
    for finding in all_findings:
        labels[finding["id"],] = finding["label"]
        labels |= {(finding["id"], a["id"]): a["label"] for a in finding["answers"]}
    return Options(
        checks={f["id"]: tuple(a["id"] for a in f["answers"]) for f in in_force["findings"]},
        alarms={
            (f["id"], a["id"]) for f in in_force["findings"] for a in f["answers"] if a["report"]
        },
        needs={o["id"]: o["label"] for o in in_force["needs"]},
        measures={o["id"]: o["label"] for o in in_force["measures"]},
        labels=labels,
    )


@lru_cache(maxsize=32)
def duty_steps(day: date) -> tuple[FactData, ...]:
    """Returns the steps of a director's duty list."""
    duties = load_facts().on(day)["duties"]["director"]
    return tuple(step for duty in duties for step in duty["steps"])
