"""How a training is held: plans and events store keys, labels are read and typed, also in the archive. Rows from
before there were keys hold labels."""

from __future__ import annotations

TRAINING_FORMS = {
    "in_person": "面授",
    "self_study": "线上自学",
    "live": "直播",
    "practical": "实操",
    "case_study": "案例研讨",
    "shadowing": "跟岗",
}
# As earlier versions stored them, however the labels come to be written.
_STORED = {
    "面授": "in_person",
    "线上自学": "self_study",
    "直播": "live",
    "实操": "practical",
    "案例研讨": "case_study",
    "跟岗": "shadowing",
}
_KEYS = _STORED | {label: key for key, label in TRAINING_FORMS.items()}


def form_key(text: str) -> str:
    """The key of a key or label; anything else as it is."""
    return _KEYS.get(text, text)


def form_label(stored: str) -> str:
    """What people read for a key or label."""
    key = form_key(stored)
    return TRAINING_FORMS.get(key, key)
