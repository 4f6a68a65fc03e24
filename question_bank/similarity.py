"""Near-duplicates: pairs of questions that ask the same thing in nearly the same words."""

from __future__ import annotations

import re
from collections import Counter, defaultdict

from question_bank.bank import Bank
from question_bank.question import Answerable, Question, options_of

SIMILAR = 0.72


def near_duplicates(bank: Bank, threshold: float = SIMILAR) -> list[tuple[str, str, float]]:
    """Pairs of questions whose text shares at least `threshold` of its bigrams (Dice, 1945)."""
    grams = {q.id: bigrams(content(q)) for q in bank if q.status != "retired"}
    holders: dict[str, list[str]] = defaultdict(list)
    shared: Counter[tuple[str, str]] = Counter()
    for question_id, own in grams.items():
        for gram in own:
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
    """Everything of a question that is read before answering."""
    parts = [q.stem, *options_of(q).values()]
    if q.type == "match":
        parts += q.left.values()
    if q.type == "case":
        parts += [content(sub) for sub in q.questions]
    return "".join(parts)


def bigrams(text: str) -> set[str]:
    """Pairs of neighbouring characters, punctuation left out."""
    clean = re.sub(r"[^\w]", "", text)
    return {clean[i : i + 2] for i in range(len(clean) - 1)}
