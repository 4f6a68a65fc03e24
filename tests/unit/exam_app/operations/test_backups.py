"""Which backups are kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from exam_app.operations.backups import superfluous


@given(
    st.lists(st.integers(0, 24 * 500), max_size=60, unique=True),
    st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9)),
)
def test_what_the_rule_lets_go(hours, keep):
    start = datetime(2025, 1, 1)
    bundles = [(start + timedelta(hours=h), Path(str(h))) for h in hours]
    gone = set(superfluous(bundles, keep))
    kept = [b for b in sorted(bundles, reverse=True) if b[1] not in gone]
    # Plainly, once more: the last of each of the latest days, weeks and months.
    wanted = set()
    for mark, number in zip(("%Y-%m-%d", "%G-%V", "%Y-%m"), keep, strict=True):
        periods = sorted({b[0].strftime(mark) for b in bundles}, reverse=True)[:number]
        for period in periods:
            wanted.add(max(b for b in bundles if b[0].strftime(mark) == period)[1])
    assert {b[1] for b in kept} == wanted
    assert not bundles or max(bundles)[1] not in gone
