"""Exchange of questions with other systems: one module per format, each with `read` and `write`.

What a format can't represent is skipped and reported with position, name and reason. Nothing is guessed
or dropped silently.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from question_bank.formats import aiken, gift, moodle_xml, qti, xlsx
from question_bank.formats.exchange import Exchange, Skipped
from question_bank.question import Question

Reader = Callable[[bytes], Exchange]
Writer = Callable[[Sequence[Question]], tuple[bytes, list[Skipped]]]

FORMATS: dict[str, tuple[Reader, Writer]] = {
    "gift": (gift.read, gift.write),
    "moodle-xml": (moodle_xml.read, moodle_xml.write),
    "aiken": (aiken.read, aiken.write),
    # `qti` writes 2.2, which most systems accept; every entry reads all versions.
    "qti": (qti.read, qti.write),
    "qti-2.1": (qti.read, partial(qti.write, version="2.1")),
    "qti-3.0": (qti.read, partial(qti.write, version="3.0")),
    "xlsx": (xlsx.read, xlsx.write),
}

__all__ = ["FORMATS", "Exchange", "Skipped"]
