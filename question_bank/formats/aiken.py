"""Aiken: single-choice questions as plain text.

One or more lines of stem, options ``A.`` or ``A)``, and ``ANSWER: A``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from question_bank.formats.exchange import Exchange, Skipped, Unrepresentable, decode, written
from question_bank.question import Question

_OPTION = re.compile(r"^([A-Z])\s*[.)]\s+(\S.*)$")
_ANSWER = re.compile(r"^ANSWER:\s*([A-Z])\s*$")


def read(data: bytes) -> Exchange:
    """Reads the questions of an Aiken file."""
    result = Exchange()
    stem: list[str] = []
    options: dict[str, str] = {}
    start = 1

    def give_up(reason: str) -> None:
        if stem or options:
            result.skip(f"第 {start} 行", " ".join(stem), reason)
        stem.clear()
        options.clear()

    for number, line in enumerate(decode(data).split("\n"), start=1):
        text = line.strip()
        option, answer = _OPTION.match(text), _ANSWER.match(text)
        if answer:
            if not stem or len(options) < 2:
                give_up("“ANSWER”前面缺题干或选项")
                continue
            fields = {"type": "single", "stem": "\n".join(stem), "options": dict(options)}
            result.add(f"第 {start} 行", " ".join(stem), {**fields, "key": answer[1]})
            stem.clear()
            options.clear()
        elif option and stem:
            if option[1] in options:
                give_up(f"选项 {option[1]} 出现了两次")
            else:
                options[option[1]] = option[2]
        elif text:
            if options:
                give_up("没有“ANSWER:”一行")
            if not stem:
                start = number
            stem.append(text)
        elif stem and not options:
            give_up("题干后面没有选项")
    give_up("没有“ANSWER:”一行")
    return result


def write(questions: Sequence[Question]) -> tuple[bytes, list[Skipped]]:
    """Returns (an Aiken file, questions it can't represent)."""
    skipped: list[Skipped] = []
    blocks = [block for _, _, block in written(questions, _block, skipped)]
    return ("\n\n".join(blocks) + "\n" if blocks else "").encode(), skipped


def _block(question: Question) -> str:
    if question.type != "single":
        raise Unrepresentable("Aiken 只能放单选题")
    if question.weights or question.feedback or question.html or question.files:
        raise Unrepresentable("Aiken 放不下权重、选项反馈、网页格式和图片")
    stem = question.stem.strip().split("\n")
    if any(not s.strip() or _OPTION.match(s.strip()) or _ANSWER.match(s.strip()) for s in stem):
        raise Unrepresentable("题干里有空行，或有像选项、像 ANSWER 的行")
    if any("\n" in text or text != text.strip() for text in question.options.values()):
        raise Unrepresentable("选项不能分行")
    lines = [s.strip() for s in stem] + [f"{k}. {v}" for k, v in question.options.items()]
    return "\n".join([*lines, f"ANSWER: {question.key}"])
