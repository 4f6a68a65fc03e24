"""The bank as the application sees it: read once, again when a file changes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from exam_app.kb.history import last_changes
from question_bank import Bank, Problem, check_bank, load_bank, point_counts
from question_bank.bank import ITEMS
from training_records.facts.loading import load_facts, required_points


@dataclass(frozen=True)
class LoadedBank:
    """The bank at one moment; checked when somebody first asks, for the learners never do."""

    read_at: float
    bank: Bank

    @cached_property
    def problems(self) -> list[Problem]:
        """What the checks say."""
        facts = load_facts()
        return check_bank(self.bank, facts.clauses, changes=last_changes(facts.data))

    @cached_property
    def missing(self) -> list[str]:
        """The points that nothing asks."""
        counts = point_counts(self.bank, required_points())
        return [point for point in required_points() if not counts[point]]


_cache: dict[Path, LoadedBank] = {}


def current_bank(folder: Path = ITEMS) -> Bank:
    """The bank; reloaded when a file is newer than the last reading."""
    return kept_bank(folder).bank


def kept_bank(folder: Path = ITEMS) -> LoadedBank:
    """The bank with its problems and the points nothing asks."""
    newest = max((p.stat().st_mtime for p in folder.rglob("*.yaml")), default=0.0)
    kept = _cache.get(folder)
    if kept is None or kept.read_at < newest:
        kept = _cache[folder] = LoadedBank(newest, load_bank(folder, strict=False))
    return kept
