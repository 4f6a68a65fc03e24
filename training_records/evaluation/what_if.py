"""The effects of another scheme: how grades would be distributed, whose grade would change, how stable grades are."""

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
    """A person to try a scheme on: measures and months in post."""

    person_id: int
    measures: Mapping[str, Decimal | None]
    months: Decimal

    def grade(self, scheme: Scheme) -> str | None:
        """The grade under a scheme."""
        return evaluate(scheme, self.measures, self.months).grade


def of_results(rows: Iterable[EvaluationResult]) -> list[Judged]:
    """The people of a run, with their stored measures."""
    return [Judged(r.person_id, measures_of(r), r.months) for r in rows]


def of_subjects(subjects: Iterable[Subject]) -> list[Judged]:
    """People as measured from the records, with every measure."""
    return [Judged(s.person_id, s.measures, s.months) for s in subjects]


def rescaled(scheme: Scheme, weights: Mapping[str, Decimal]) -> Scheme:
    """Returns the scheme with other weights, each dimension's points in proportion. Raises `Refused` unless they add up
    to 100."""
    data: dict[str, Any] = scheme.model_dump(mode="json")
    for dimension in data["dimensions"]:
        weight = weights.get(dimension["id"], Decimal(str(dimension["weight"])))
        old = Decimal(str(dimension["weight"]))
        points = [Decimal(str(i["points"])) * weight / old for i in dimension["indicators"]]
        rounded = [p.quantize(Decimal("0.0001")) for p in points]
        rounded[-1] += weight - sum(rounded)
        dimension["weight"] = str(weight)
        for indicator, value in zip(dimension["indicators"], rounded, strict=True):
            indicator["points"] = str(value)
    return checked_scheme(data)


def what_if(
    scheme: Scheme, other: Scheme, people: Iterable[Judged]
) -> tuple[Counter[str], Counter[str], list[tuple[int, str | None, str | None]]]:
    """Counts the grades under each scheme, and lists the people whose grade differs."""
    before, after = Counter[str](), Counter[str]()
    changes = []
    for person in people:
        old, new = person.grade(scheme), person.grade(other)
        before[old or "不定等次"] += 1
        after[new or "不定等次"] += 1
        if old != new:
            changes.append((person.person_id, old, new))
    return before, after, changes


def stability(scheme: Scheme, people: Sequence[Judged], by: Decimal = Decimal(5)) -> float:
    """Returns the fraction of people whose grade stays under every shift of `by` points of weight from one dimension to
    another."""
    shifted = []
    for source in scheme.dimensions:
        for target in scheme.dimensions:
            if source.id != target.id and source.weight > by:
                weights: dict[str, Decimal] = {d.id: d.weight for d in scheme.dimensions}
                weights[source.id] -= by
                weights[target.id] += by
                shifted.append(rescaled(scheme, weights))
    stable = 0
    for person in people:
        grade = person.grade(scheme)
        stable += all(person.grade(s) == grade for s in shifted)
    return stable / len(people) if people else 1.0
