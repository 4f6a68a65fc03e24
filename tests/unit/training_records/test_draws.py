"""Draws by seed. The orders were sorted by hand from `printf 20261130:1 | sha256sum` and so on."""

from __future__ import annotations

from training_records.draws import shuffled
from training_records.work.checking import sample


def test_the_order_is_that_of_the_hashes():
    assert shuffled(range(1, 9), 20261130) == [1, 2, 4, 3, 5, 6, 8, 7]
    assert shuffled([8, 3, 5, 1, 2, 7, 6, 4], 20261130) == [1, 2, 4, 3, 5, 6, 8, 7]


def test_visits_are_drawn_by_seed_person_and_visit():
    assert sample({3: [101, 102, 103, 104, 105]}, 7) == {3: [102, 103, 104]}
