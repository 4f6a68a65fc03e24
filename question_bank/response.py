"""Shapes of responses: enough to validate a response without its question."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from question_bank.clean import clean

if TYPE_CHECKING:
    from question_bank.question import Answerable, Question

# A response in the canonical form of its question type; None when not answered.
Response = str | bool | list[str] | dict[str, int] | None

MAX_IN_A_BLANK, MAX_IN_A_TEXT = 200, 5000
_CODES = {
    "single": "s",
    "multiple": "m",
    "true_false": "t",
    "fill": "f",
    "order": "o",
    "match": "p",
    "short_answer": "w",
}
_KINDS = {code: kind for kind, code in _CODES.items()}


class InvalidResponse(ValueError):
    """The response does not have the shape of the question's type."""


@dataclass(frozen=True)
class Shape:
    """Question type, labels of its options (match: of the right side), labels of the left side of a
    match, number of blanks of a fill."""

    type: str
    labels: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    blanks: int = 0

    def __str__(self) -> str:
        """Compact encoding; `Shape.parse` is its inverse."""
        code = _CODES[self.type]
        if self.type == "fill":
            return f"{code}{self.blanks}"
        if self.type == "match":
            return f"{code}{','.join(self.left)}|{','.join(self.labels)}"
        return code + "".join(self.labels)

    @staticmethod
    @lru_cache(4096)
    def parse(text: str) -> Shape:
        """Decodes ``str(shape)``."""
        kind, encoded = _KINDS[text[0]], text[1:]
        if kind == "fill":
            return Shape(kind, blanks=int(encoded))
        if kind == "match":
            left, _, right = encoded.partition("|")
            return Shape(kind, tuple(right.split(",")), tuple(left.split(",")))
        return Shape(kind, tuple(encoded))

    def check(self, response: object) -> Response:
        """Returns the response in canonical form; ``None`` clears. Raises `InvalidResponse` (Chinese)."""
        if response is None:
            return None
        checked: Response = getattr(self, f"_{self.type}")(response)
        return checked

    def _single(self, response: object) -> str:
        if not isinstance(response, str) or response not in self.labels:
            raise InvalidResponse("选的不是这道题的选项")
        return response

    def _multiple(self, response: object) -> list[str]:
        return sorted(self._labels(response))

    def _labels(self, response: object) -> list[str]:
        if (
            not isinstance(response, list)
            or not all(isinstance(label, str) and label in self.labels for label in response)
            or len(set(response)) < len(response)
        ):
            raise InvalidResponse("选的不是这道题的选项")
        return response

    def _true_false(self, response: object) -> bool:
        if not isinstance(response, bool):
            raise InvalidResponse("判断题要答“对”或“错”")
        return response

    def _fill(self, response: object) -> list[str]:
        texts = response if isinstance(response, list) else []
        blanks = [clean(text) for text in texts if isinstance(text, str)]
        if len(texts) != self.blanks or len(blanks) != self.blanks or _too_long(blanks):
            raise InvalidResponse(f"这道题有 {self.blanks} 个空，每空不超过 {MAX_IN_A_BLANK} 字")
        return blanks

    def _order(self, response: object) -> list[str]:
        order = self._labels(response)
        if len(order) != len(self.labels):
            raise InvalidResponse("排序题要把每一项都排进去")
        return order

    def _match(self, response: object) -> dict[str, int]:
        if not isinstance(response, dict) or not all(
            left in self.left and type(right) is int and str(right) in self.labels
            for left, right in response.items()
        ):
            raise InvalidResponse("连线的两头不都是这道题的项")
        return response

    def _short_answer(self, response: object) -> str:
        if not isinstance(response, str) or len(text := clean(response)) > MAX_IN_A_TEXT:
            raise InvalidResponse(f"简答题请填文字，不超过 {MAX_IN_A_TEXT} 字")
        return text


def _too_long(blanks: list[str]) -> bool:
    return any(len(text) > MAX_IN_A_BLANK for text in blanks)


def shape_of(question: Question | Answerable) -> Shape:
    """Shape of the responses to a question. Raises `InvalidResponse` for a case (its sub-questions have shapes)."""
    if question.type == "case":
        raise InvalidResponse("这种题要逐个小题作答")
    return question.shape


def valid_response(question: Question | Answerable, response: object) -> Response:
    """Returns the response in canonical form; ``None`` clears.

    Shapes: single ``"A"``; multiple ``["A", "C"]``; true_false ``True``; fill a list of strings,
    one per blank; order a permutation of the labels; match ``{"a": 2}``; short_answer a string.
    Raises `InvalidResponse` (message in Chinese) for anything else.
    """
    return None if response is None else shape_of(question).check(response)
