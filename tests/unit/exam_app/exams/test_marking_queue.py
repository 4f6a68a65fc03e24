"""What several marks come to."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exam_app.exams.marking import APART, human_share
from exam_app.exams.marking_queue import STEPS
from exam_app.exams.models import Mark

shares = st.lists(st.sampled_from(STEPS), max_size=4)


@given(shares, st.booleans())
def test_what_marks_come_to_lies_among_them_and_needs_no_more_than_three(values, double):
    marks = [Mark(share=value) for value in values]
    found = human_share(marks, double)
    if not double:
        assert found == (values[0] if values else None)
        return
    if len(values) < 2 or (len(values) == 2 and abs(values[0] - values[1]) > APART):
        assert found is None
        return
    assert found is not None and min(values[:3]) <= found <= max(values[:3])
