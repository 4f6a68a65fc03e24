"""Individual papers: which form an examinee gets, and the order of its items and options.

Items and options are sorted by SHA-256 of the seed and a name, not by a random generator: the seed stored
with an attempt reproduces the same paper years later, whatever has been upgraded since.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from question_bank.question import Answerable, Question

# Quick types come first as a warm-up; items of a type are adjacent, so its hint is read once.
KINDS = ("true_false", "single", "multiple", "fill", "order", "match", "short_answer", "case")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def form_place(person: int, attempt: int, forms: int) -> int:
    """Index (from 0) of the form for a person's `attempt` (from 1).

    Neighbours in the ledger get different forms; a person gets a new form on each attempt until all
    are used.
    """
    return (person + attempt - 1) % forms


def by_seed(seed: int | str, name: str) -> bytes:
    """A pseudo-random but reproducible sort key: the SHA-256 of "seed:name" (UTF-8)."""
    return sha256(f"{seed}:{name}".encode()).digest()


def item_order(
    questions: Sequence[Question], seed: int, sets: Sequence[Sequence[str]] = ()
) -> list[Question]:
    """Orders the questions by type, shuffled within a type.

    Questions of one of the `sets` (ids that share a stimulus) stay together, in the order of the set,
    at the position of its first question.
    """
    kind = {q.id: KINDS.index(q.type) for q in questions}
    set_of = {member: group for group in sets for member in group}

    def key(question: Question) -> tuple[int, bytes, int]:
        group = [m for m in set_of.get(question.id, (question.id,)) if m in kind]
        return kind[group[0]], by_seed(seed, group[0]), group.index(question.id)

    return sorted(questions, key=key)


def option_order(question: Answerable, seed: int | None, item: str) -> tuple[str, ...]:
    """Labels of the options in display order; `item`: id of the question, or of its case.

    Options keep the written order without a seed, and when the texts refer to options by letter or
    position.
    """
    labels = question.shape.labels
    if seed is None or question.refers:
        return labels
    name = f"{item}:{question.stem}"
    return tuple(sorted(labels, key=lambda label: by_seed(seed, f"{name}:{label}")))


def seen(question: Answerable, order: Sequence[str]) -> tuple[Answerable, dict[str, str]]:
    """Returns (a choice question relettered as it was shown, label to shown letter).

    Other types, whose options carry no letters, are returned unchanged with an empty map.
    """
    if question.type not in ("single", "multiple"):
        return question, {}
    letter = dict(zip(order, LETTERS, strict=False))
    key = question.key
    updates = {
        "options": {letter[label]: question.options[label] for label in order},
        "key": letter[key] if isinstance(key, str) else tuple(sorted(letter[k] for k in key)),
        "weights": {letter[k]: w for k, w in question.weights.items()},
        "feedback": {letter[k]: text for k, text in question.feedback.items()},
    }
    return question.model_copy(update=updates), letter
