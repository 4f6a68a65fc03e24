"""The item bank: loading, lookup and search of the question files of a folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from pydantic import ValidationError

from question_bank.question import Question, options_of, parse_question

ITEMS = Path(__file__).parent / "items"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Fault:
    """An entry that is not a valid question: file, question, and reason (Chinese)."""

    where: str
    question: str
    reason: str


class BankError(ValueError):
    """The bank has invalid files or entries; `faults` lists them all."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(f"{f.where} {f.question}：{f.reason}" for f in faults))
        self.faults = faults


@dataclass
class Bank:
    """Questions by id, in file order.

    `places`: question id to file name. `faults`: entries that are not valid questions.
    """

    questions: dict[str, Question] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def __getitem__(self, question_id: str) -> Question:
        return self.questions[question_id]

    def __iter__(self) -> Iterator[Question]:
        return iter(self.questions.values())

    def __len__(self) -> int:
        return len(self.questions)

    def reviewed(self) -> list[Question]:
        """Questions that may be used in exams and practice."""
        return [q for q in self if q.status == "reviewed"]

    def search(self, text: str = "", topic: str = "", source: str = "") -> list[Question]:
        """Questions whose id, stem, options or explanation contain `text`, optionally of one topic or source."""
        needle = text.strip().casefold()
        return [
            q
            for q in self
            if (not topic or q.topic == topic)
            and (not source or q.source == source)
            and (not needle or needle in _haystack(q))
        ]


def _haystack(question: Question) -> str:
    return "\n".join(
        [question.id, question.stem, *options_of(question).values(), question.explanation]
    ).casefold()


def load_bank(folder: Path = ITEMS, *, strict: bool = True) -> Bank:
    """Reads every ``*.yaml`` below `folder`.

    With `strict`, any fault raises `BankError`; otherwise faults are collected in the bank, for
    `check_bank`.
    """
    bank = Bank()
    for path in sorted(folder.rglob("*.yaml")):
        _load_file(bank, path, path.relative_to(folder).as_posix())
    if strict and bank.faults:
        raise BankError(bank.faults)
    return bank


def _load_file(bank: Bank, path: Path, name: str) -> None:
    try:
        items = yaml.load(path.read_text("utf-8"), Loader=_LOADER)  # noqa: S506 (a safe loader)  # nosec B506
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        bank.faults.append(Fault(name, "", f"不是能读的 YAML 文件：{_first_line(str(error))}"))
        return
    if not isinstance(items, list):
        bank.faults.append(Fault(name, "", "文件应是一个题目列表（每题以“- id:”开头）"))
        return
    for number, item in enumerate(items, start=1):
        label = str(item.get("id", "")) if isinstance(item, dict) else ""
        label = label or f"第 {number} 题"
        try:
            question = parse_question(item)
        except ValidationError as error:
            bank.faults.extend(Fault(name, label, reason) for reason in explain(error))
            continue
        if question.id in bank.questions:
            other = bank.places[question.id]
            bank.faults.append(Fault(name, label, f"编号重复：{other} 已用过，请换一个新编号"))
            continue
        bank.questions[question.id] = question
        bank.places[question.id] = name


def explain(error: ValidationError) -> Iterable[str]:
    """Yields a validation error in Chinese, one line per fault: field and reason."""
    for fault in error.errors(include_url=False):
        location = ".".join(str(part) for part in fault["loc"]) or "整题"
        kind = fault["type"]
        reason = {
            "missing": "没有填",
            "extra_forbidden": "没有这个字段，请检查拼写",
            "union_tag_invalid": "题型不认识",
            "union_tag_not_found": "没有写题型 type",
            "literal_error": f"只能是 {fault.get('ctx', {}).get('expected', '')}",
            "string_pattern_mismatch": "格式不对，应如 reporting-0007",
            "string_too_short": "太短",
        }.get(kind, fault["msg"].removeprefix("Value error, "))
        yield f"{location}:{reason}"


def _first_line(text: str) -> str:
    return text.splitlines()[0] if text else ""
