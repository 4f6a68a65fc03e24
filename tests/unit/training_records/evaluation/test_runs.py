"""Bands of a grade."""

from __future__ import annotations

import pytest

from training_records.evaluation import overview


@pytest.mark.parametrize(
    ("children", "band"),
    [
        (0, "没有走访对象"),
        (1, "1–5 名"),
        (5, "1–5 名"),
        (6, "6–15 名"),
        (30, "16–30 名"),
        (31, "30 名以上"),
    ],
)
def test_bands(children, band):
    assert overview.band_of(children) == band
