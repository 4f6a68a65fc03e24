"""Shared by the formats: results of reading, decoding, drafts, weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import ValidationError

from question_bank.bank import explain
from question_bank.question import Match, Multiple, Question, Single, parse_question

LIMIT = 20_000_000
LABELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CLOSE = 5e-4
Made = TypeVar("Made")
# Fields of a question as read, not yet validated by `parse_question`.
Draft = dict[str, object]


class Unrepresentable(ValueError):
    """The format or the question model can't represent the content; the message says why (Chinese)."""


@dataclass(frozen=True)
class Skipped:
    """Skipped content: position, name, reason."""

    where: str
    name: str
    reason: str


@dataclass
class Exchange:
    """Questions read as drafts, and what was skipped."""

    questions: list[Question] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    def add(self, where: str, name: str, data: Mapping[str, object]) -> None:
        """Adds a question, or records in Chinese why it is invalid."""
        number = len(self.questions) + 1
        try:
            self.questions.append(parse_question({"id": f"imported-{number:04d}", **data}))
        except ValidationError as error:
            self.skip(where, name, "；".join(explain(error)))

    def skip(self, where: str, name: str, reason: str) -> None:
        self.skipped.append(Skipped(where, name[:60], reason))


def written(
    questions: Sequence[Question], make: Callable[[Question], Made], skipped: list[Skipped]
) -> Iterator[tuple[int, Question, Made]]:
    """Yields (number, question, ``make(question)``); questions for which ``make`` raises
    `Unrepresentable` are appended to ``skipped``."""
    for number, question in enumerate(questions, start=1):
        try:
            made = make(question)
        except Unrepresentable as reason:
            skipped.append(Skipped(f"第 {number} 题", name_of(question), str(reason)))
            continue
        yield number, question, made


def refuse_big(data: bytes) -> None:
    """Raises `Unrepresentable` for more than `LIMIT` bytes."""
    if len(data) > LIMIT:
        raise Unrepresentable(f"文件超过 {LIMIT // 1_000_000} MB，请拆开再导入")


def decode(data: bytes) -> str:
    """Decodes a file by its byte order mark, else as UTF-8, else as GB18030; normalises line ends.

    Raises `Unrepresentable` when none of them fits.
    """
    refuse_big(data)
    for mark, name in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if data.startswith(mark):
            try:
                return _lines(data.decode(name))
            except UnicodeDecodeError:
                break
    for name in ("utf-8", "gb18030"):
        try:
            return _lines(data.decode(name))
        except UnicodeDecodeError:
            continue
    raise Unrepresentable("认不出文件的编码，请另存为 UTF-8 再导入")


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def labelled(texts: Sequence[str]) -> dict[str, str]:
    """Labels texts as options A, B, C … Raises `Unrepresentable` beyond Z."""
    if len(texts) > len(LABELS):
        raise Unrepresentable(f"选项有 {len(texts)} 个，最多 {len(LABELS)} 个")
    return {LABELS[i]: text for i, text in enumerate(texts)}


def choice(
    texts: Sequence[str], fractions: Sequence[float], feedback: Sequence[str], *, single: bool
) -> Draft:
    """Type, options, key, weights and feedback from answers with fractions (1 = all points)."""
    options = labelled(texts)
    shares = dict(zip(options, (round(f, 7) for f in fractions), strict=True))
    option_feedback = {label: text for label, text in zip(options, feedback, strict=True) if text}
    if single:
        full = [label for label, share in shares.items() if abs(share - 1) < CLOSE]
        if len(full) != 1:
            raise Unrepresentable(f"单选题要正好一个满分答案，这题有 {len(full)} 个")
        shares[full[0]] = 1.0
        plain = all(share == 0 for label, share in shares.items() if label != full[0])
        data: Draft = {"type": "single", "options": options, "key": full[0]}
    else:
        key = [label for label, share in shares.items() if share > 0]
        if len(key) < 2:
            raise Unrepresentable("多选题至少要有两个得分的选项")
        even = all(abs(shares[label] - 1 / len(key)) < CLOSE for label in key)
        plain = even and all(s == -1 for label, s in shares.items() if label not in key)
        data = {"type": "multiple", "options": options, "key": key}
    return (
        data
        | ({} if plain else {"weights": shares})
        | ({"feedback": option_feedback} if option_feedback else {})
    )


def left_labels(count: int) -> list[str]:
    """Labels of the left side of a match question: a, b … z, then a26, a27 …"""
    return [chr(97 + i) if i < 26 else f"a{i}" for i in range(count)]


def match_of(pairs: Sequence[tuple[str, ...]]) -> Draft:
    """A match question from (left, right) pairs; an empty left side marks a distractor on the right."""
    rights = list(dict.fromkeys(right for _, right in pairs))
    lefts = [(left, right) for left, right in pairs if left]
    if not lefts or not all(rights):
        raise Unrepresentable("配对题缺左项或右项")
    labels = left_labels(len(lefts))
    return {
        "type": "match",
        "left": {label: left for label, (left, _) in zip(labels, lefts, strict=True)},
        "options": {i + 1: right for i, right in enumerate(rights)},
        "key": {
            label: rights.index(right) + 1 for label, (_, right) in zip(labels, lefts, strict=True)
        },
    }


def pairs_of(question: Match) -> list[tuple[str, str]]:
    """The inverse of `match_of`."""
    used = set(question.key.values())
    pairs = [(left, question.options[question.key[k]]) for k, left in question.left.items()]
    return pairs + [("", right) for n, right in question.options.items() if n not in used]


def percent(share: float) -> str:
    """A share of the points as a percentage: 0.5 is ``50``, a third ``33.33333``."""
    return f"{share * 100:.5f}".rstrip("0").rstrip(".")


def fractions_of(question: Single | Multiple) -> dict[str, float]:
    """Label to share of the points, as other systems expect it."""
    if question.weights:
        return dict(question.weights)
    if question.type == "single":
        return {label: float(label == question.key) for label in question.options}
    share = round(1 / len(question.key), 7)
    return {label: share if label in question.key else -1.0 for label in question.options}


def name_of(question: Question) -> str:
    """Name of a question in other systems."""
    return question.title or question.id


def meta(title: str = "", category: str = "", html: bool = False, **others: object) -> Draft:
    """Draft fields, without the empty ones."""
    data: Draft = {"title": title.strip(), "category": category.strip(), "html": html, **others}
    return {key: value for key, value in data.items() if value}
