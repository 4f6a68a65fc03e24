"""Validation of the whole bank: what a program can see of a question's quality."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from question_bank.bank import Bank

SIMILAR = 0.72
_NEGATIVE = re.compile(r"(不正确|不属于|不应|错误的是|不是|不包括|不得)")
_CATCH_ALL = re.compile(r"^(以上(都|全|均).*|都(对|不对|是|不是))$")


@dataclass(frozen=True)
class Problem:
    """`severity`: an error must be mended, a warning is to be looked at."""

    where: str
    question: str
    reason: str
    severity: Literal["error", "warning"] = "error"


def check_bank(
    bank: Bank, clauses: Collection[str] | None = None, anchors: Collection[str] | None = None
) -> list[Problem]:
    """All problems of `bank`.

    `clauses`: the known sources (``青21#10``); `anchors`: the knowledge base's pages and anchors
    (``services/visits#monthly``). Either may be None: then that link is not checked.
    """
    problems = [Problem(f.where, f.question, f.reason) for f in bank.faults]
    for q in bank:
        where = bank.places.get(q.id, "")
        problems.extend(Problem(where, q.id, r, s) for r, s in _check_one(q, clauses, anchors))
    problems.extend(
        Problem(bank.places.get(b, ""), b, f"与 {a} 很相似({value:.0%}),请改写或停用一道")
        for a, b, value in near_duplicates(bank)
    )
    return problems


def _check_one(
    q: Any, clauses: Collection[str] | None, anchors: Collection[str] | None
) -> Iterable[tuple[str, Literal["error", "warning"]]]:
    if q.status == "retired":
        return
    if clauses is not None and q.source and q.source not in clauses:
        yield f"来源 {q.source} 不在 docs/data 里", "error"
    if anchors is not None and q.kb and q.kb not in anchors:
        yield f"知识库里没有 {q.kb}", "error"
    if q.status == "reviewed" and len(q.explanation) < 10:
        yield "讲解太短,要说清为什么对、错在哪里", "error"
    if q.status == "reviewed" and len(q.explanation) > 160:
        yield f"讲解有 {len(q.explanation)} 字,请压到 160 字以内", "warning"
    for text in getattr(q, "options", {}).values():
        if _CATCH_ALL.match(text):
            yield f"不要用“{text}”这样的选项", "error"
    if q.type == "single":
        lengths = sorted((len(t) for t in q.options.values()), reverse=True)
        if len(q.options[q.key]) == lengths[0] and lengths[0] >= 2 * max(lengths[1], 6):
            yield "正确选项比别的长一倍以上,会露答案", "warning"
    if _NEGATIVE.search(q.stem) and q.type == "single" and "**" not in q.stem:
        yield "题干里的否定词要用 **加粗** 标出", "warning"


def near_duplicates(bank: Bank, threshold: float = SIMILAR) -> list[tuple[str, str, float]]:
    """Pairs of questions whose text shares at least `threshold` of its bigrams (Dice)."""
    grams = {q.id: _bigrams(_content(q)) for q in bank if q.status != "retired"}
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


def _content(q: Any) -> str:
    return "".join([q.stem, *getattr(q, "options", {}).values()])


def _bigrams(text: str) -> set[str]:
    clean = re.sub(r"[^\w]", "", text)
    return {clean[i : i + 2] for i in range(len(clean) - 1)}


def clause_counts(bank: Bank, required: Mapping[str, str]) -> dict[str, int]:
    """Number of reviewed questions per clause; every key of `required` appears, if only with 0."""
    counts = Counter(q.source for q in bank.reviewed())
    return {
        clause: counts.get(clause, 0)
        for clause in [*required, *sorted(set(counts) - set(required))]
    }
