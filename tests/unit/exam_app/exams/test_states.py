"""The table of changes of an attempt."""

from __future__ import annotations

from exam_app.exams.states import ALLOWED
from tests.factories import CHANGES_OF_STATE


def test_the_code_s_table_is_the_one_written_by_hand():
    assert ALLOWED == CHANGES_OF_STATE
