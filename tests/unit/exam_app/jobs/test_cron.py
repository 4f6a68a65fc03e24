"""How often, as cron says it."""

from __future__ import annotations

import pytest
from croniter import croniter

from exam_app.jobs import procrastinate_worker


@pytest.mark.parametrize("every", [1, 15, 60, 900, 3600])
def test_cron_says_the_same(every):
    times = croniter(procrastinate_worker.cron(every), 1_800_000_000)
    first, second, third = (times.get_next(float) for _ in range(3))
    assert second - first == third - second == every
