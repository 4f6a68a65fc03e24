"""Validation of the item bank, as far as a program can judge an item's quality.

Checks the schema, links, near-duplicates, and the item-writing rules of Haladyna, Downing &
Rodriguez (2002).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from question_bank.balance import balance
from question_bank.bank import Bank
from question_bank.question import Answerable, Question, parts_of
from question_bank.similarity import bigrams, near_duplicates

MAX_EXPLANATION = 120
MIN_STEM = 8
_NEGATIVE = re.compile(
    r"(不正确|不属于|不应|不该|不能|不可以|不合适|不对|错误的|做错|不是|不包括|不得|不需要|除外)"
)
# “是不是” and “对不对” are yes/no questions, not negatives.
_EITHER_OR = re.compile(r"(.)不\1|有没有|没监护能力|“[^”]*”")
_CATCH_ALL = re.compile(r"^(以上|上述)?(都|全|均)(对|不对|是|不是|正确|错误|可以|不可以)|^以上.*")
_ABSOLUTE = re.compile(r"(绝对|永远|从来|任何情况|一律|必然|毫无|百分之百)")
_NO_QUESTION = re.compile(
    r"^(关于)?(下列|下面|以下)(哪项|哪个|说法|做法|表述|选项)?.{0,6}(正确|错误|对)的是"
)
_NUMBER = re.compile(r"^(?:每|第|满|不满|超过|至少)?\s*(\d+(?:\.\d+)?)\s*\S{0,4}$")
_PERIODS = {
    "每天": 1,
    "每周": 7,
    "每两周": 14,
    "每月": 30,
    "每个月": 30,
    "每季度": 91,
    "每半年": 182,
    "每年": 365,
}


@dataclass(frozen=True)
class Problem:
    """A problem of the bank: an ``error`` must be fixed, a ``warning`` must be reviewed."""

    where: str
    question: str
    reason: str
    severity: Literal["error", "warning"] = "error"


def check_bank(
    bank: Bank,
    clauses: Collection[str] | None = None,
    anchors: Collection[str] | None = None,
    *,
    points: Collection[str] | None = None,
    changes: Mapping[str, date] | None = None,
) -> list[Problem]:
    """Returns all problems of `bank`.

    `clauses`: the known sources (``青21#10``). `anchors`: pages and anchors of the knowledge base
    (``services/visits#monthly``). `points`: duty steps and service-list lines that an item may
    cover. `changes`: clause or point to the day it last changed. None skips the check in question.
    """
    problems = [Problem(f.where, f.question, f.reason) for f in bank.faults]
    for q in bank:
        if q.status == "retired":
            continue
        where = bank.places.get(q.id, "")
        problems += [
            Problem(where, q.id, r) for r in _broken_links(q, clauses, anchors, points=points)
        ]
        problems += [Problem(where, q.id, r) for r in _wording(q)]
    problems += [
        Problem(bank.places.get(b, ""), b, f"与 {a} 很相似（{value:.0%}），请改写或停用一道")
        for a, b, value in near_duplicates(bank)
    ]
    problems += [Problem("整个题库", "", reason) for reason in balance(bank, is_negative).faults()]
    problems += [
        Problem(bank.places.get(q.id, ""), q.id, f"{what} 在 {day} 改过，请对照复看", "warning")
        for q, what, day in to_review(bank, changes or {})
    ]
    return problems


def to_review(bank: Bank, changes: Mapping[str, date]) -> list[tuple[Question, str, date]]:
    """(question, clause or point, day of change) where the change is later than the question's last check."""
    outdated = []
    for q in bank.reviewed():
        for what in dict.fromkeys((q.source, *q.covers)):
            day = changes.get(what)
            if day is not None and (q.checked is None or q.checked < day):
                outdated.append((q, what, day))
    return outdated


def is_negative(stem: str) -> bool:
    """Whether a stem is negative (asks which one is wrong); ignores emphasis marks."""
    plain = _EITHER_OR.sub("", stem.replace("**", "")).rstrip("。")
    question = re.split(r"[。；;]", plain)[-1]
    return bool(_NEGATIVE.search(question) and re.search(r"[?？]", question))


def _broken_links(
    q: Question,
    clauses: Collection[str] | None,
    anchors: Collection[str] | None,
    *,
    points: Collection[str] | None,
) -> Iterator[str]:
    if clauses is not None and q.source and q.source not in clauses:
        yield f"来源 {q.source} 不在事实里"
    if anchors is not None and q.kb and q.kb not in anchors:
        yield f"知识库里没有 {q.kb}"
    for point in q.covers:
        if points is not None and point not in points:
            yield f"没有“{point}”这个职责步骤或服务内容"


def _wording(q: Question) -> Iterator[str]:
    for number, part in enumerate(parts_of(q), start=1):
        lead = f"第 {number} 小题：" if q.type == "case" else ""
        for rule in (_stem, _options, _numbers, _clues, _explanation):
            yield from (lead + reason for reason in rule(part, q.status))


def _stem(q: Answerable, status: str) -> Iterator[str]:
    if len(q.stem) < MIN_STEM or _NO_QUESTION.match(q.stem):
        yield "题干要不看选项也能懂：写清问什么"
    if q.type in ("single", "multiple") and is_negative(q.stem) and "**" not in q.stem:
        yield "题干里的否定词要用 **加粗** 标出"


def _options(q: Answerable, status: str) -> Iterator[str]:
    if q.type not in ("single", "multiple"):
        return
    for text in q.options.values():
        if _CATCH_ALL.match(text):
            yield f"不要用“{text}”这样的选项"
    lengths = sorted((len(t) for t in q.options.values()), reverse=True)
    if lengths[0] > 2 * lengths[-1] + 8:
        yield f"选项长短相差太大（{lengths[0]} 字和 {lengths[-1]} 字）"
    if q.type == "single" and len(q.options[q.key]) == lengths[0] > 1.5 * max(lengths[1], 6):
        yield "正确选项比别的长一半以上，会露答案"


def _amount(text: str) -> float | None:
    if text in _PERIODS:
        return _PERIODS[text]
    match = _NUMBER.match(text)
    return float(match[1]) if match else None


def _numbers(q: Answerable, status: str) -> Iterator[str]:
    if q.type not in ("single", "multiple"):
        return
    amounts = [_amount(text) for text in q.options.values()]
    known = [a for a in amounts if a is not None]
    if len(known) == len(amounts) and known != sorted(known):
        yield "数字选项要从小到大排"


def _clues(q: Answerable, status: str) -> Iterator[str]:
    if q.type not in ("single", "multiple"):
        return
    for text in q.options.values():
        match = _ABSOLUTE.search(text)
        if match:
            yield f"选项里的“{match[0]}”太绝对，会露答案"
    if q.type == "single":
        echo = _echo(q.stem, q.options[q.key])
        others = [t for label, t in q.options.items() if label != q.key]
        if len(echo) >= 5 and not any(echo[:4] in t or echo[-4:] in t for t in others):
            yield f"只有正确选项重复了题干的“{echo}”，会露答案"


def _echo(stem: str, option: str) -> str:
    best = ""
    for start in range(len(option)):
        for end in range(start + len(best) + 1, len(option) + 1):
            if option[start:end] not in stem:
                break
            best = option[start:end]
    return best


def _explanation(q: Answerable, status: str) -> Iterator[str]:
    if status != "reviewed":
        return
    if len(q.explanation) < 10:
        yield "讲解太短，要说清为什么对、错在哪里"
    if len(q.explanation) > MAX_EXPLANATION:
        yield f"讲解有 {len(q.explanation)} 字，请压到 {MAX_EXPLANATION} 字以内"
    if q.type not in ("single", "multiple"):
        return
    explained = bigrams(q.explanation)
    keys = {q.key} if q.type == "single" else set(q.key)
    if all(_amount(text) is not None for text in q.options.values()):
        return
    for label, text in q.options.items():
        if label not in keys and not bigrams(text) & explained:
            yield f"讲解没有说到干扰项“{text}”错在哪里"


def point_counts(bank: Bank, required: Iterable[str]) -> dict[str, int]:
    """Number of reviewed questions per clause, duty step and service-list line (`source` and
    `covers`). Every point of `required` is listed, even with a count of 0."""
    counts: Counter[str] = Counter()
    for q in bank.reviewed():
        counts.update({q.source, *q.covers})
    points = [*required]
    return {name: counts.get(name, 0) for name in [*points, *sorted(set(counts) - set(points))]}
