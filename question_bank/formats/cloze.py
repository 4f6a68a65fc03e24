"""Moodle's embedded answers (cloze): fill questions with several blanks.

``{1:SHORTANSWER:=每月~=每个月~%50%常常}`` in the text is a blank; ``NUMERICAL`` takes ``=5:0.1``. The
syntax is that of Moodle's documentation, "Embedded Answers (Cloze) question type"; ``}``, ``#``, ``~``, ``/``,
``"`` and the backslash are escaped with a backslash.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from html import escape, unescape

from question_bank.formats.exchange import Draft, Unrepresentable, percent
from question_bank.question import BLANK, Fill

_FIELD = re.compile(r"\{(\d{0,4}):([A-Za-z_]{2,20}):((?:\\.|[^\\}]){0,20000})\}", re.S)
_PIECE = re.compile(r"(?:\\.|[^\\~])+", re.S)
_ANSWER = re.compile(r"^\s*(=|%(-?\d{1,3}(?:\.\d{1,7})?)%)?((?:\\.|[^\\#])*)(#.*)?$", re.S)
_SPECIAL = re.compile(r"([}#~/\"\\])")
_WRITTEN = {"SHORTANSWER", "SA", "MW", "SHORTANSWER_C", "SAC", "MWC"}
_NUMBERS = {"NUMERICAL", "NM"}


def read(text: str, html: bool) -> Draft:
    """Reads stem, key, credit and ranges from a text with embedded answers. Raises `Unrepresentable`."""
    if BLANK in text:
        raise Unrepresentable(f"题干里另有“{BLANK}”，分不清哪里是空")
    fields = list(_FIELD.finditer(text))
    if not fields:
        raise Unrepresentable("题干里没有能读的空")
    if len({field[1] or "1" for field in fields}) > 1:
        raise Unrepresentable("几个空的分值不一样")
    key, credit, ranges = [], [], []
    for field in fields:
        kind = field[2].upper()
        inner = unescape(field[3]) if html else field[3]
        if kind not in _WRITTEN | _NUMBERS:
            raise Unrepresentable(f"题干里的空要选不要填（{kind}）")
        full, partly = _spellings(inner)
        if kind in _NUMBERS:
            full, span = _number(full, partly)
        key.append(full)
        credit.append(partly)
        ranges.append(span if kind in _NUMBERS else None)
    data: Draft = {"type": "fill", "stem": _FIELD.sub(BLANK, text).strip(), "key": key}
    return (
        data
        | ({"credit": credit} if any(credit) else {})
        | ({"ranges": ranges} if any(ranges) else {})
    )


def _spellings(inner: str) -> tuple[list[str], dict[str, float]]:
    """(spellings with full credit, spelling to partial credit) of one blank."""
    full: list[str] = []
    partly: dict[str, float] = {}
    for piece in _PIECE.findall(inner):
        match = _ANSWER.match(piece)
        if not match:
            raise Unrepresentable("空里的答案读不懂")
        sign, weight, raw, feedback = match.groups()
        share = 0.0 if not sign else 1.0 if sign == "=" else float(weight) / 100
        text = re.sub(r"\\(.)", r"\1", raw, flags=re.S).strip()
        if share <= 0:
            continue
        if feedback and feedback[1:].strip():
            raise Unrepresentable("填空题的某个答案有自己的反馈")
        if "*" in text:
            raise Unrepresentable("填空题的答案用了通配符 *")
        if share > 1 or not text:
            raise Unrepresentable("空里的答案是空的，或分值超过 100%")
        if share == 1:
            full.append(text)
        else:
            partly[text] = share
    if not full:
        raise Unrepresentable("填空题没有满分答案")
    return full, partly


def _number(full: Sequence[str], partly: Mapping[str, float]) -> tuple[list[str], list[float]]:
    """(the number as written, its range [low, high])."""
    if len(full) != 1 or partly:
        raise Unrepresentable("数值题有几个答案或部分得分")
    text, _, margin = full[0].partition(":")
    try:
        value, tolerance = float(text), abs(float(margin or 0))
    except ValueError:
        raise Unrepresentable("数值题的答案或误差不是数") from None
    return [text.strip()], [value - tolerance, value + tolerance]


def write(question: Fill, centre: Callable[[str, float, float], tuple[str, float]]) -> str:
    """Returns the stem with its answers embedded. Raises `Unrepresentable`.

    `centre`: (key, low, high) to (number, tolerance).
    """
    pieces = question.stem.split(BLANK)
    if len(pieces) != len(question.key) + 1:
        raise Unrepresentable("题干里没有标出每个空的位置")
    if _FIELD.search(question.stem):
        raise Unrepresentable("题干里有像 Moodle 填空的花括号")
    out = [pieces[0]]
    for number, (full, piece) in enumerate(zip(question.key, pieces[1:], strict=True)):
        span = question.ranges[number] if question.ranges else None
        partly = question.credit[number] if question.credit else {}
        if any("*" in text for text in [*full, *partly]):
            raise Unrepresentable("填空答案里有 Moodle 当通配符的 *")
        if span is not None:
            if len(full) > 1 or partly:
                raise Unrepresentable("数值题还有别的写法")
            middle, tolerance = centre(full[0], *span)
            inner, kind = f"={middle}:{tolerance:.15g}", "NUMERICAL"
        else:
            lines = [f"={_escape(text)}" for text in full]
            lines += [f"%{percent(share)}%{_escape(text)}" for text, share in partly.items()]
            inner, kind = "~".join(lines), "SHORTANSWER"
        out += [f"{{1:{kind}:{escape(inner, quote=False) if question.html else inner}}}", piece]
    return "".join(out)


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
