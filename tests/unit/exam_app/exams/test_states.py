"""The table of changes of an attempt."""

from __future__ import annotations

from exam_app.exams.states import ALLOWED

BY_HAND = {
    ("not_started", "in_progress"),
    ("in_progress", "submitted"),
    ("in_progress", "overdue"),
    ("in_progress", "voided"),
    ("overdue", "submitted"),
    ("overdue", "abandoned"),
    ("overdue", "voided"),
    ("submitted", "marked"),
    ("submitted", "voided"),
    ("marked", "released"),
    ("marked", "voided"),
    ("released", "voided"),
    ("abandoned", "in_progress"),
    ("abandoned", "voided"),
}


def test_the_code_s_table_is_the_one_written_by_hand():
    assert ALLOWED == BY_HAND
