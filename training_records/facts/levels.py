"""Who organised a training: keys are stored, labels are read. Rows from before there were keys hold labels."""

from __future__ import annotations

from collections.abc import Iterable

LEVELS = {
    "national": "国家",
    "province": "省",
    "city": "市",
    "district": "区（市）",
    "town": "镇（街）",
}
# Training organised by the district or above counts for coverage.
COUNTED_LEVELS = ("national", "province", "city", "district")
_TO_HALF_WIDTH = str.maketrans("\uff08\uff09", "()")
# As earlier versions stored them, however the labels come to be written.
_STORED = {key: label.translate(_TO_HALF_WIDTH) for key, label in LEVELS.items()}
_KEYS = {label: key for key, label in _STORED.items()} | {key: key for key in LEVELS}


def level_key(text: str) -> str:
    """The key of a key or label; anything else as it is, so that it is seen where levels are checked."""
    return _KEYS.get(text.translate(_TO_HALF_WIDTH), text)


def level_label(stored: str) -> str:
    """What people read for a key or label."""
    key = level_key(stored)
    return LEVELS.get(key, key)


def stored_levels(keys: Iterable[str]) -> list[str]:
    """All that rows of these levels may hold."""
    return [text for key in keys for text in (key, _STORED[key])]
