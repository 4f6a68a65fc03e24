"""A paper of one's own for every examinee: which form, and in which order its items and options stand.

Orders are those of SHA-256 over the seed and a name, not of a random generator: the seed kept with an
attempt gives the same paper again years later, whatever has been upgraded since.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from question_bank.question import Answerable, Question

# Cheap ones first: an examinee warms up on them, and each type's hint is read once.
KINDS = ("true_false", "single", "multiple", "fill", "order", "match", "short_answer", "case")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def form_place(person: int, attempt: int, forms: int) -> int:
    """Place (from 0) of the form for a person's `attempt` (from 1): neighbours in the ledger get
    different forms, everybody another one each time until all are used."""
    return (person + attempt - 1) % forms


def by_seed(seed: int, name: str) -> bytes:
    """A sort key that looks random and is always the same."""
    return sha256(f"{seed}:{name}".encode()).digest()


def item_order(
    questions: Sequence[Question], seed: int, sets: Sequence[Sequence[str]] = ()
) -> list[Question]:
    """The questions type by type, shuffled within a type; those of one of the `sets` (ids that share
    a stimulus) stay together in the set's order, where its first question would stand."""
    kind = {q.id: KINDS.index(q.type) for q in questions}
    leader = {member: group for group in sets for member in group}

    def key(question: Question) -> tuple[int, bytes, int]:
        group = [m for m in leader.get(question.id, (question.id,)) if m in kind]
        return kind[group[0]], by_seed(seed, group[0]), group.index(question.id)

    return sorted(questions, key=key)


def option_order(question: Answerable, seed: int | None, item: str) -> tuple[str, ...]:
    """The labels of the options in the order to show them; `item` is the id of the question or of the
    case that holds it. Without a seed they stay as written, and so do options that speak of each other, or
    whose explanation does."""
    labels = question.shape.labels
    if seed is None or question.refers:
        return labels
    name = f"{item}:{question.stem}"
    return tuple(sorted(labels, key=lambda label: by_seed(seed, f"{name}:{label}")))


def seen(question: Answerable, order: Sequence[str]) -> tuple[Answerable, dict[str, str]]:
    """(a choice question with its options lettered as they were shown, label to that letter). Other
    types, whose options carry no letters, come back as they are."""
    if question.type not in ("single", "multiple"):
        return question, {}
    letter = dict(zip(order, LETTERS, strict=False))
    key = question.key
    changed = {
        "options": {letter[label]: question.options[label] for label in order},
        "key": letter[key] if isinstance(key, str) else tuple(sorted(letter[k] for k in key)),
        "weights": {letter[k]: w for k, w in question.weights.items()},
        "feedback": {letter[k]: text for k, text in question.feedback.items()},
    }
    return question.model_copy(update=changed), letter
