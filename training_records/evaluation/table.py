"""Measures from a table (CSV): one row per person, one column per measure."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from training_records.database import JsonValue
from training_records.errors import Refused
from training_records.evaluation.scheme import Scheme
from training_records.evaluation.scoring import Result

MAX_ROWS, MAX_FAULTS = 1_000_000, 20


@dataclass(frozen=True)
class Measured:
    """A person's months in post (None: not given) and measures (None: no data)."""

    person: str
    months: Decimal | None
    measures: Mapping[str, Decimal | None]


def read_measures(data: bytes, scheme: Scheme) -> list[Measured]:
    """Parses all rows. Raises `Refused`, naming rows and columns, if something is missing or not a number."""
    rows = csv.reader(io.StringIO(_decoded(data), newline=""))
    header = [name.strip() for name in next(rows, [])]
    if "person" not in header:
        raise Refused("指标表第 1 行要有 person 一列（人的编号）")
    duplicate = next((n for n in header if n and header.count(n) > 1), None)
    if duplicate:
        raise Refused(f"指标表第 1 行的“{duplicate}”写了两次")
    missing = [m for m in scheme.measures if m not in header]
    if missing:
        raise Refused(
            f"指标表里没有方案要用的列：{'、'.join(missing)}。没有数据的列也要有，格子空着"
        )
    people: list[Measured] = []
    faults: list[str] = []
    seen: dict[str, int] = {}
    for number, cells in enumerate(rows, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(people) >= MAX_ROWS:
            raise Refused(f"指标表超过 {MAX_ROWS} 行，请按区划分开")
        if len(cells) > len(header):
            faults.append(f"第 {number} 行有 {len(cells)} 格，表头只有 {len(header)} 格")
        row = dict(zip(header, (c.strip() for c in cells), strict=False))
        person = row.get("person", "")
        if not person:
            faults.append(f"第 {number} 行没有 person")
        elif person in seen:
            faults.append(f"第 {number} 行的 {person} 与第 {seen[person]} 行重复")
        seen.setdefault(person, number)
        months = _value(row, "months_in_post", number, faults=faults)
        if months is not None and not 0 <= months <= 12:
            faults.append(f"第 {number} 行 months_in_post 要在 0 到 12 之间")
        values = {m: _value(row, m, number, faults=faults) for m in scheme.measures}
        people.append(Measured(person, months, values))
        if len(faults) > MAX_FAULTS:
            break
    if faults:
        ellipsis = "……" if len(faults) > MAX_FAULTS else ""
        raise Refused("指标表有错，没有计算：\n" + "\n".join(faults[:MAX_FAULTS]) + ellipsis)
    return people


def _decoded(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Refused("指标表的文字编码认不出。请另存为 CSV UTF-8")


def _value(row: Mapping[str, str], name: str, number: int, *, faults: list[str]) -> Decimal | None:
    text = row.get(name, "")
    if not text:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or abs(value) > 10**9:
        faults.append(f"第 {number} 行 {name} 的“{text[:20]}”不是数字")
        return None
    if value < 0:
        faults.append(f"第 {number} 行 {name} 的“{text[:20]}”小于 0")
    return value


def as_data(person: str, result: Result) -> dict[str, JsonValue]:
    """A result in the form of the command line and the API."""
    return {
        "person": person,
        "total": _plain(result.total),
        "grade": result.grade,
        "vetoed": result.vetoed,
        "dimensions": [
            {
                "id": dimension.id,
                "score": _plain(dimension.score),
                "indicators": [
                    {
                        "id": indicator.id,
                        "value": _plain(indicator.value),
                        "score": _plain(indicator.score),
                        "max": _plain(indicator.max),
                        "explanation": indicator.explanation,
                    }
                    for indicator in dimension.indicators
                ],
            }
            for dimension in result.dimensions
        ],
    }


def _plain(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
