"""What another scheme would do: how grades would fall, who crosses from one to another, how stable they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from training_records.evaluation.measures import Subject
from training_records.evaluation.models import EvaluationResult
from training_records.evaluation.runs import measures_of
from training_records.evaluation.scheme import Scheme, checked_scheme
from training_records.evaluation.scoring import evaluate


@dataclass(frozen=True)
class Judged:
    """Somebody to try a scheme on: measures and months in post."""

    person_id: int
    measures: Mapping[str, Decimal | None]
    months: Decimal

    def grade(self, scheme: Scheme) -> str | None:
        """The grade under a scheme."""
        return evaluate(scheme, self.measures, self.months).grade


def of_results(rows: Iterable[EvaluationResult]) -> list[Judged]:
    """The people of a run, with the measures that it keeps."""
    return [Judged(r.person_id, measures_of(r), r.months) for r in rows]


def of_subjects(subjects: Iterable[Subject]) -> list[Judged]:
    """People as they are measured from the records, with every measure."""
    return [Judged(s.person_id, s.measures, s.months) for s in subjects]


def rescaled(scheme: Scheme, weights: Mapping[str, Decimal]) -> Scheme:
    """The scheme with other weights, each dimension's points in proportion. `Refused` unless they add up to 100."""
    told_: dict[str, Any] = scheme.model_dump(mode="json")
    for dimension in told_["dimensions"]:
        weight = weights.get(dimension["id"], Decimal(str(dimension["weight"])))
        old = Decimal(str(dimension["weight"]))
        points = [Decimal(str(i["points"])) * weight / old for i in dimension["indicators"]]
        rounded = [p.quantize(Decimal("0.0001")) for p in points]
        rounded[-1] += weight - sum(rounded)
        dimension["weight"] = str(weight)
        for indicator, value in zip(dimension["indicators"], rounded, strict=True):
            indicator["points"] = str(value)
    return checked_scheme(told_)


def what_if(
    scheme: Scheme, other: Scheme, people: Iterable[Judged]
) -> tuple[Counter[str], Counter[str], list[tuple[int, str | None, str | None]]]:
    """How many have which grade under each scheme, and who crosses from one grade to another."""
    before, after = Counter[str](), Counter[str]()
    crossing = []
    for one in people:
        old, new = one.grade(scheme), one.grade(other)
        before[old or "不定等次"] += 1
        after[new or "不定等次"] += 1
        if old != new:
            crossing.append((one.person_id, old, new))
    return before, after, crossing


def stability(scheme: Scheme, people: Sequence[Judged], by: Decimal = Decimal(5)) -> float:
    """Share of people whose grade stays under every shift of `by` points of weight from one dimension to another."""
    shifted = []
    for one in scheme.dimensions:
        for two in scheme.dimensions:
            if one.id != two.id and one.weight > by:
                weights: dict[str, Decimal] = {d.id: d.weight for d in scheme.dimensions}
                weights[one.id] -= by
                weights[two.id] += by
                shifted.append(rescaled(scheme, weights))
    kept = 0
    for person in people:
        grade = person.grade(scheme)
        kept += all(person.grade(s) == grade for s in shifted)
    return kept / len(people) if people else 1.0
