"""Near-duplicates: pairs of questions with nearly the same text."""

from __future__ import annotations

import re
from collections import Counter, defaultdict

from question_bank.bank import Bank
from question_bank.question import Answerable, Question, options_of

SIMILAR = 0.72


def near_duplicates(bank: Bank, threshold: float = SIMILAR) -> list[tuple[str, str, float]]:
    """(id, id, Dice coefficient of their bigrams) of at least `threshold`, highest first (Dice, 1945)."""
    grams = {q.id: bigrams(content(q)) for q in bank if q.status != "retired"}
    holders: dict[str, list[str]] = defaultdict(list)
    shared: Counter[tuple[str, str]] = Counter()
    for question_id, question_grams in grams.items():
        for gram in question_grams:
            for other in holders[gram]:
                shared[other, question_id] += 1
            holders[gram].append(question_id)
    pairs = []
    for (a, b), count in shared.items():
        value = 2 * count / (len(grams[a]) + len(grams[b]))
        if value >= threshold:
            pairs.append((a, b, value))
    return sorted(pairs, key=lambda p: -p[2])


def content(q: Question | Answerable) -> str:
    """All text of a question that is read before answering."""
    parts = [q.stem, *options_of(q).values()]
    if q.type == "match":
        parts += q.left.values()
    if q.type == "case":
        parts += [content(sub) for sub in q.questions]
    return "".join(parts)


def bigrams(text: str) -> set[str]:
    """Pairs of adjacent characters, ignoring punctuation."""
    clean = re.sub(r"[^\w]", "", text)
    return {clean[i : i + 2] for i in range(len(clean) - 1)}
