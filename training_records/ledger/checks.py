"""The result of a background check: keys are stored, labels are read and typed. Rows from before there were keys
hold labels. Any other result is text as somebody typed it, and is never clean."""

from __future__ import annotations

RESULTS = {"clean": "无记录", "record": "有记录"}
# As earlier versions stored them, however the labels come to be written.
_STORED = {"无记录": "clean", "有记录": "record"}
_KEYS = _STORED | {label: key for key, label in RESULTS.items()}


def result_key(stored: str | None) -> str | None:
    """The key of a key or label; anything else as it is."""
    return None if stored is None else _KEYS.get(stored, stored)


def result_label(stored: str | None) -> str:
    """What people read for a key or label; nothing is empty."""
    key = result_key(stored) or ""
    return RESULTS.get(key, key)


def is_clean(stored: str | None) -> bool:
    """Whether nothing was found, so that the person may hold a post."""
    return result_key(stored) == "clean"


def read_result(typed: str) -> str:
    """What to store for a result as typed. `ValueError` for a text that is itself a key: it would count as a
    result although nobody typed its label."""
    if typed in RESULTS:
        raise ValueError(f"查询结果请写汉字，例如“{RESULTS[typed]}”")
    return _KEYS.get(typed, typed)
