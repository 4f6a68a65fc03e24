"""The frame of a run, frozen at its start: later recalculations use the facts of that day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from training_records.evaluation.measures import Frame
from training_records.work.cadence import Cadence


def freeze(frame: Frame) -> dict[str, Any]:
    """Returns the facts of a frame in the form stored with a run."""
    return {
        "cadences": [
            {
                "id": c.id,
                "title": c.title,
                "months": c.months,
                "forms": sorted(c.forms),
                "text": c.text,
            }
            for c in frame.cadences.values()
        ],
        "steps": [{key: step[key] for key in ("id", "what", "rhythm")} for step in frame.steps],
        "checks": frame.checks,
        "zone": frame.zone.key,
    }


def thaw(frame: Frame, stored: Mapping[str, Any]) -> Frame:
    """Returns the frame with its facts replaced by stored ones."""
    return replace(
        frame,
        cadences={
            c["id"]: Cadence(**{**c, "forms": frozenset(c["forms"])}) for c in stored["cadences"]
        },
        steps=stored["steps"],
        checks=stored["checks"],
        zone=ZoneInfo(stored["zone"]),
    )
