"""Scoring: a response and a key give a share of the points, 0 to 1, in full precision."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Literal

from question_bank.clean import plain_width, read_numeral
from question_bank.question import Answerable, Fill, Question, SubFill
from question_bank.response import Response

Scheme = Literal["all_or_nothing", "partial", "social_work", "absolute"]


def score(
    question: Question | Answerable, response: Response, scheme: Scheme = "all_or_nothing"
) -> float:
    """The share of the points earned, 0 to 1; unanswered earns 0.

    ``scheme`` applies to multiple (``all_or_nothing``; ``partial``: right choices ÷ key, any
    wrong choice 0; ``social_work``: 0.5 points per right choice when incomplete, never full marks,
    any wrong choice 0 — at the usual 2 points per question, 0.25 of the points per choice)
    and to order (``absolute``: share of positions right). Weighted options earn the sum of the
    chosen weights, clamped to 0–1, whatever the scheme. Match: right pairs ÷ pairs. Fill: equal
    weight per blank. No negative marks. Raises ValueError for types that need manual marking.
    """
    if response is None:
        return 0.0
    if question.type == "single" and question.weights and isinstance(response, str):
        return min(max(question.weights[response], 0.0), 1.0)
    if question.type in ("single", "true_false"):
        return float(response == question.key)
    if question.type == "multiple" and isinstance(response, list):
        if question.weights:
            return min(max(sum(question.weights[label] for label in response), 0.0), 1.0)
        return _score_multiple(set(question.key), set(response), scheme)
    if question.type == "fill" and isinstance(response, list):
        return sum(_blank(question, n, given) for n, given in enumerate(response)) / len(
            question.key
        )
    if question.type == "order" and isinstance(response, list):
        if scheme == "absolute":
            correct = sum(a == b for a, b in zip(response, question.key, strict=True))
            return correct / len(question.key)
        return float(response == list(question.key))
    if question.type == "match" and isinstance(response, dict):
        return sum(response.get(left) == right for left, right in question.key.items()) / len(
            question.key
        )
    raise ValueError(
        f"a {type(response).__name__} for type {question.type} is not marked by a program"
    )


def _blank(question: Fill | SubFill, number: int, given: str) -> float:
    """The share earned in one blank."""
    answer = fold(given)
    if answer in {fold(accepted) for accepted in question.key[number]}:
        return 1.0
    span = question.ranges[number] if question.ranges else None
    if span is not None:
        try:
            if span[0] <= float(answer) <= span[1]:
                return 1.0
        except ValueError:
            pass
    if question.credit:
        for spelling, share in question.credit[number].items():
            if answer == fold(spelling):
                return share
    return 0.0


def _score_multiple(key: set[str], chosen: set[str], scheme: Scheme) -> float:
    if chosen == key:
        return 1.0
    if not chosen or chosen - key or scheme not in ("partial", "social_work"):
        return 0.0
    if scheme == "partial":
        return len(chosen) / len(key)
    # The professional examination gives 2 points per question and 0.5 points per right choice.
    return min(len(chosen) * 0.25, 0.75)


_NUMERAL = re.compile(
    r"[0-9]*[零〇一二两三四五六七八九十百千万亿][0-9零〇一二两三四五六七八九十百千万亿]*"
)
_END = " 。.,,;;!!??、::"


def fold(text: str) -> str:
    """Normalises width, case, Chinese numerals, spaces, invisible characters, and punctuation at both ends."""
    text = re.sub(r"\s+", "", plain_width(text).strip(_END)).casefold()
    return _NUMERAL.sub(lambda m: read_numeral(m.group()), text)


def round_points(points: float | Sequence[float]) -> float:
    """Rounds half up to 2 decimals; apply once, when a total is shown or stored."""
    return _rounded(float(points) if isinstance(points, int | float) else sum(points))


@lru_cache(4096)
def _rounded(total: float) -> float:
    # Rounding to 10 decimals first removes binary noise such as 0.125000000001.
    exact = Decimal(repr(round(total, 10)))
    return float(exact.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))
