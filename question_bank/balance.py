"""Balance of the whole bank: key positions, key lengths, negative stems.

The rules are those of Haladyna, Downing & Rodriguez, *A Review of Multiple-Choice Item-Writing
Guidelines for Classroom Assessment*, Applied Measurement in Education 15 (2002), as far as a
program can check them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from question_bank.bank import Bank
from question_bank.question import Answerable, Single, SubSingle, parts_of

MAX_NEGATIVE = 0.05
LONGEST_MARGIN = 0.05
MIN_P = 0.05


@dataclass(frozen=True)
class Balance:
    """Figures over all reviewed questions and the sub-questions of their cases.

    `positions`: key label to count, over single-choice questions with four options; `positions_p`:
    chi-square p of a uniform distribution. `longest`: share of single-choice questions whose key is
    the strictly longest option; `longest_limit`: its maximum (mean of 1/n + 0.05). `negative`: share
    of choice questions with a negative stem. `true_share`: share of true/false items keyed true;
    `true_p`: its chi-square p.
    """

    positions: dict[str, int]
    positions_p: float | None
    longest: float | None
    longest_limit: float | None
    negative: float
    true_share: float | None
    true_p: float | None

    def faults(self) -> Iterator[str]:
        """What is out of balance, in Chinese."""
        if self.positions_p is not None and self.positions_p <= MIN_P:
            yield f"单选答案的位置不均匀：{self.positions}（卡方检验 p={self.positions_p:.3f}，要大于 {MIN_P}）"
        if self.longest is not None and self.longest > (self.longest_limit or 1):
            yield f"单选答案最长的占 {self.longest:.1%}，超过 {self.longest_limit:.1%}，会露答案"
        if self.negative > MAX_NEGATIVE:
            yield f"否定问法占 {self.negative:.1%}，超过 {MAX_NEGATIVE:.0%}"
        if self.true_p is not None and self.true_p <= MIN_P:
            yield f"判断题“对”占 {self.true_share:.0%}，对错相差太大"


def answerable(bank: Bank) -> list[Answerable]:
    """Reviewed questions, with cases split into their sub-questions."""
    items: list[Answerable] = []
    for q in bank.reviewed():
        items.extend(parts_of(q))
    return items


def balance(bank: Bank, is_negative: Callable[[str], bool]) -> Balance:
    """The balance of a bank; `is_negative` decides whether a stem is negative."""
    items = answerable(bank)
    singles = [q for q in items if q.type == "single"]
    positions = Counter({label: 0 for label in "ABCD"})
    positions.update(q.key for q in singles if len(q.options) == 4)
    choices = [q for q in items if q.type in ("single", "multiple")]
    judged = [q.key for q in items if q.type == "true_false"]
    return Balance(
        positions=dict(positions),
        positions_p=_even(positions.values()),
        longest=_mean(_key_is_longest(q) for q in singles),
        longest_limit=_mean(1 / len(q.options) + LONGEST_MARGIN for q in singles),
        negative=_mean(is_negative(q.stem) for q in choices) or 0.0,
        true_share=_mean(judged),
        true_p=_even([sum(judged), len(judged) - sum(judged)]),
    )


def _key_is_longest(q: Single | SubSingle) -> bool:
    lengths = {label: len(text) for label, text in q.options.items()}
    others = [n for label, n in lengths.items() if label != q.key]
    return lengths[q.key] > max(others)


def _even(counts: Iterable[int]) -> float | None:
    observed = list(counts)
    # The chi-square approximation needs an expected count of at least five per cell.
    if sum(observed) < 5 * len(observed):
        return None
    # Loaded where it is needed: it takes a second and much memory.
    from scipy.stats import chisquare

    return float(chisquare(observed).pvalue)


def _mean(values: Iterable[float]) -> float | None:
    numbers = list(values)
    return sum(numbers) / len(numbers) if numbers else None
