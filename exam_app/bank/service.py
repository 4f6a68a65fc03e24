"""Cached item bank of the application, reloaded when a file changes."""

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
    """The item bank as of one loading. Checks run lazily, since learner pages never need them."""

    read_at: float
    bank: Bank

    @cached_property
    def problems(self) -> list[Problem]:
        """The problems reported by the bank checks."""
        facts = load_facts()
        return check_bank(self.bank, facts.clauses, changes=last_changes(facts.data))

    @cached_property
    def missing(self) -> list[str]:
        """Required content points that no item covers."""
        counts = point_counts(self.bank, required_points())
        return [point for point in required_points() if not counts[point]]


_cache: dict[Path, LoadedBank] = {}


def current_bank(folder: Path = ITEMS) -> Bank:
    """Returns the item bank, reloaded if a file is newer than the cached one."""
    return kept_bank(folder).bank


def kept_bank(folder: Path = ITEMS) -> LoadedBank:
    """Returns the cached bank with its problems and uncovered points."""
    newest = max((p.stat().st_mtime for p in folder.rglob("*.yaml")), default=0.0)
    loaded = _cache.get(folder)
    if loaded is None or loaded.read_at < newest:
        loaded = _cache[folder] = LoadedBank(newest, load_bank(folder, strict=False))
    return loaded
