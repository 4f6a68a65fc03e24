"""The sample of a spot check."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from exam_app.spot.service import sample

people = st.lists(
    st.tuples(st.sampled_from([f"37028300{n}001" for n in range(1, 6)]), st.integers(1, 400)),
    min_size=1,
    max_size=60,
    unique_by=lambda p: p[1],
)


@example(
    [("370283001001", n) for n in (1, 4, 5, 6)] + [("370283002001", 2), ("370283003001", 3)], 3, 0
)
@given(people, st.integers(1, 40), st.integers(0, 10**6))
def test_a_sample_is_repeatable_and_spread(found, size, seed):
    chosen = sample(found, size, seed, width=9)
    assert chosen == sample(list(reversed(found)), size, seed, width=9)
    assert len(chosen) == len(set(chosen)) == min(size, len(found)) and set(chosen) <= set(found)
    groups = {code[:9] for code, _ in found}
    if size >= len(groups):
        for group in groups:
            own = sum(code[:9] == group for code, _ in found)
            drawn = sum(code[:9] == group for code, _ in chosen)
            exact = len(chosen) * own / len(found)
            assert drawn >= min(1, own) and drawn >= int(exact) - len(groups)


def test_a_sample_is_the_first_by_hash_of_seed_and_person():
    """As `printf 20261130:1 | sha256sum` and so on sort them: 1, 2, 4, 3, 5, 6, 8, 7."""
    villages = [("370283001001", n) for n in range(1, 9)]
    assert [person for _, person in sample(villages, 4, 20261130, width=9)] == [1, 2, 3, 4]
    assert [person for _, person in sample(villages, 7, 20261130, width=9)] == [1, 2, 3, 4, 5, 6, 8]
