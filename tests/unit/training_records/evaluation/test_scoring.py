"""Evaluation by a scheme, against a second, deliberately plain reckoning; what a scheme may not say; tables."""

from __future__ import annotations

import itertools
import json
import random
import re
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
import yaml
from click.testing import CliRunner

from exam_app.cli import cli
from exam_app.config import ROOT
from training_records.errors import Refused
from training_records.evaluation.scheme import SCHEMES, checked_scheme, load_scheme, read_scheme
from training_records.evaluation.scoring import evaluate, rounded
from training_records.evaluation.table import read_measures

RATES = ("_rate", "_share", "_score", "_mean", "_index", "_passed")


def naive(scheme, measures, months):
    """The rules of the scheme once more, as plain as can be, over the raw YAML."""

    def number(x):
        return Fraction(str(x))

    def show(x):
        text = Decimal(x.numerator) / Decimal(x.denominator)
        # Twice as many digits as any case here can need.
        return text.quantize(Decimal("0.01"), ROUND_HALF_UP)

    earned = possible = Fraction(0)
    scores = {}
    for dimension in scheme["dimensions"]:
        for one in dimension["indicators"]:
            value = measures.get(one["measure"])
            scale = Fraction(1)
            if scheme["proration"] == "months_in_post" and months is not None:
                is_rate = any(one["measure"].endswith(end) for end in RATES)
                if one.get("unit") == "rate" or (is_rate and one.get("unit") != "count"):
                    pass
                else:
                    scale = number(months) / 12
            if value is None or scale == 0:
                if scheme["missing"] == "zero":
                    possible += number(one["points"])
                    scores[one["id"]] = Decimal("0.00")
                else:
                    scores[one["id"]] = None
                continue
            value = number(value)
            if one["scoring"] == "proportional":
                share = value / (number(one["target"]) * scale)
                if share > 1:
                    share = Fraction(1)
            elif one["scoring"] == "threshold":
                share = Fraction(1) if value >= number(one["target"]) * scale else Fraction(0)
            else:
                share = Fraction(0)
                for bound, part in one["steps"]:
                    if value >= number(bound) * scale:
                        share = number(part)
            earned += number(one["points"]) * share
            possible += number(one["points"])
            scores[one["id"]] = show(number(one["points"]) * share)
    total = show(earned / possible * 100) if possible else None
    grade = None
    if total is not None:
        for g in scheme["grades"]:
            if total >= Decimal(str(g["min"])):
                grade = g["name"]
                break
    vetoed = False
    for veto in scheme["vetoes"]:
        value = measures.get(veto["measure"])
        if not vetoed and value is not None and Decimal(str(value)) > Decimal(str(veto["above"])):
            vetoed, grade = True, veto["grade"]
    return total, grade, vetoed, scores


def random_scheme(rng):
    """A scheme that holds: weights to 100, points to weights, of all kinds of scoring."""
    ids = rng.sample(
        ["visits", "training", "activities", "policy", "satisfaction"], rng.randint(1, 5)
    )
    cuts = sorted(rng.sample(range(1, 100), len(ids) - 1))
    weights = [b - a for a, b in zip([0, *cuts], [*cuts, 100], strict=True)]
    dimensions, number = [], 0
    for name, weight in zip(ids, weights, strict=True):
        # Points in tenths, so that they are not whole numbers.
        count = rng.randint(1, min(4, weight * 10))
        inner = sorted(rng.sample(range(1, weight * 10), count - 1))
        points = [(b - a) / 10 for a, b in zip([0, *inner], [*inner, weight * 10], strict=True)]
        indicators = []
        for value in points:
            number += 1
            one = {
                "id": f"i{number}",
                "measure": f"m{number}{rng.choice(['', '_rate', '_score', '_count'])}",
                "points": value,
            }
            one["scoring"] = rng.choice(["proportional", "steps", "threshold"])
            if one["scoring"] == "steps":
                bounds = sorted(rng.sample(range(1, 40), rng.randint(1, 4)))
                shares = sorted(rng.randint(0, 20) / 20 for _ in bounds)
                one["steps"] = [[b / 4, s] for b, s in zip(bounds, shares, strict=True)]
            else:
                one["target"] = rng.choice([1, 0.9, 8, 3, 7.5, 12, 0.333])
            if rng.random() < 0.1:
                one["unit"] = rng.choice(["count", "rate"])
            indicators.append(one)
        dimensions.append({"id": name, "title": name, "weight": weight, "indicators": indicators})
    return {
        "id": "t",
        "dimensions": dimensions,
        "vetoes": [{"measure": "missed", "above": 0, "grade": "差"}] if rng.random() < 0.7 else [],
        "grades": [
            {"name": "优", "min": 90},
            {"name": "良", "min": 72.5},
            {"name": "差", "min": 0},
        ],
        "proration": rng.choice(["months_in_post", "none"]),
        "missing": rng.choice(["exclude", "zero"]),
    }


def test_ten_thousand_cases_against_the_plain_reckoning():
    rng, cases = random.Random(2026), 0
    while cases < 10_000:
        told = random_scheme(rng)
        scheme = checked_scheme(json.loads(json.dumps(told)))
        for _ in range(20):
            measures = {
                name: None
                if rng.random() < 0.12
                else Decimal(
                    rng.choice(
                        ["0", "1", "0.5", "0.875", "2.995", "3", "7.49", "8", "11", "60", "0.3333"]
                    )
                )
                for name in scheme.measures
            }
            months = rng.choice(
                [None, Decimal(12), Decimal(6), Decimal(1), Decimal(0), Decimal("7.5"), Decimal(11)]
            )
            result = evaluate(scheme, measures, months)
            total, grade, vetoed, scores = naive(told, measures, months)
            mine = {i.id: i.score for d in result.dimensions for i in d.indicators}
            assert (result.total, result.grade, result.vetoed) == (total, grade, vetoed), (
                told,
                measures,
                months,
            )
            assert mine == scores, (told, measures, months)
            cases += 1


def test_the_scheme_that_ships_holds():
    scheme = load_scheme("2026")
    assert [d.id for d in scheme.dimensions] == [
        "visits",
        "training",
        "activities",
        "policy",
        "satisfaction",
    ]
    full = {m: Decimal(1000) for m in scheme.measures if m != "missed_mandatory_reports"}
    assert evaluate(scheme, full, None).total == 100
    assert evaluate(scheme, full, None).grade == "优秀"
    vetoed = evaluate(scheme, {**full, "missed_mandatory_reports": Decimal(1)}, None)
    assert (vetoed.total, vetoed.grade, vetoed.vetoed) == (100, "不合格", True)
    nothing = evaluate(scheme, {}, None)
    assert (nothing.total, nothing.grade) == (None, None)


def test_part_of_a_year_and_what_is_left_out():
    scheme = load_scheme("2026")
    measures = {"training_hours": Decimal(4), "activities_held": Decimal(1)}
    half = evaluate(scheme, measures, Decimal(6))
    by_id = {i.id: i for d in half.dimensions for i in d.indicators}
    assert by_id["hours"].score == 8 and "任职 6 个月折算" in by_id["hours"].explanation
    assert by_id["held"].score == 5 and by_id["exam"].score is None
    # 13 of 18 points.
    assert half.total == Decimal("72.22") and half.grade == "基本合格"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0.005", "0.01"),
        ("0.004999", "0.00"),
        ("2.675", "2.68"),
        ("1.005", "1.01"),
        ("89.995", "90.00"),
    ],
)
def test_rounding_is_half_up_and_exact(value, shown):
    assert rounded(Fraction(value)) == Decimal(shown)


def scheme_text(**changes):
    told = yaml.safe_load((SCHEMES / "2026.yaml").read_text("utf-8"))
    told.update(changes)
    return yaml.safe_dump(told, allow_unicode=True)


BAD = [
    (lambda t: t["dimensions"][0].update(weight=31), "各项指标的分值合计 30，要等于权重 31"),
    (lambda t: t["dimensions"].pop(), "权重合计 85，要等于 100"),
    (lambda t: t["dimensions"][0]["indicators"][0].update(target=0), "要大于 0"),
    (lambda t: t["dimensions"][0]["indicators"][0].pop("target"), "目标值"),
    (lambda t: t["dimensions"][0]["indicators"][0].update(points=float("nan")), "要填数字"),
    (lambda t: t["dimensions"][0]["indicators"][0].update(scoring="magic"), "只能是"),
    (
        lambda t: t["dimensions"][0]["indicators"][1].update(steps=[[0.9, 1], [0.6, 0.5]]),
        "从小到大",
    ),
    (
        lambda t: t["dimensions"][0]["indicators"][1].update(steps=[[0.6, 1], [0.9, 0.5]]),
        "不能越少",
    ),
    (lambda t: t["dimensions"][0]["indicators"][0].update(id="complete"), "“complete”写了两次"),
    (lambda t: t["dimensions"][0].update(id="magic"), "只能是"),
    (lambda t: t["grades"].reverse(), "从高到低"),
    (lambda t: t["grades"].pop(), "最后一档"),
    (lambda t: t["vetoes"][0].update(grade="没有的"), "不在 grades"),
    (lambda t: t.update(wieghts=1), "核对拼写"),
    (lambda t: t["dimensions"][0]["indicators"][0].update(measure="DROP TABLE"), "小写字母"),
    (lambda t: t.update(missing="ignore"), "只能是"),
]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_a_scheme_that_does_not_hold_is_refused_with_its_place(number):
    change, told = BAD[number]
    scheme = yaml.safe_load((SCHEMES / "2026.yaml").read_text("utf-8"))
    change(scheme)
    with pytest.raises(Refused, match=told):
        checked_scheme(scheme)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "- a", "id: [", "a: b: c", "!!python/object/apply:os.system ['x']", "x" * 300_000],
)
def test_what_is_no_scheme(text):
    with pytest.raises(Refused, match="评价方案"):
        read_scheme(text)


def table(*rows, scheme=None):
    names = [*(scheme or load_scheme("2026")).measures]
    head = ",".join(["person", "months_in_post", *names])
    return "\n".join([head, *rows]).encode()


def test_tables_and_the_command_line(tmp_path):
    scheme = load_scheme("2026")
    values = {"visits_on_time_rate": "1", "training_hours": "8", "exam_score": "90"}
    cells = ",".join(values.get(m, "") for m in scheme.measures)
    (tmp_path / "m.csv").write_bytes(b"\xef\xbb\xbf" + table(f"p1,12,{cells}", "", f"p2,6,{cells}"))
    run = CliRunner().invoke(
        cli,
        [
            "evaluate",
            "--scheme",
            str(SCHEMES / "2026.yaml"),
            "--measures",
            str(tmp_path / "m.csv"),
            "--format",
            "json",
        ],
    )
    assert run.exit_code == 0, run.output
    results = json.loads(run.stdout)["results"]
    assert [r["person"] for r in results] == ["p1", "p2"]
    first = results[0]
    assert first["total"] == 100.0 and first["grade"] == "优秀" and first["vetoed"] is False
    assert set(first["dimensions"][0]["indicators"][0]) == {
        "id",
        "value",
        "score",
        "max",
        "explanation",
    }
    gb = table("王" + f",12,{cells}").decode().encode("gb18030")
    assert read_measures(gb, scheme)[0].person == "王"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "person"),
        (b"name,x\n", "person"),
        (b"person,training_hours\np,1\n", "没有方案要用的列"),
        (table("p1,12" + ",x" * 12), "不是数字"),
        (table("p1,12" + ",nan" * 12), "不是数字"),
        (table("p1,12" + ",-1" * 12), "小于 0"),
        (table("p1,13" + "," * 12), "0 到 12"),
        (table("p1,1" + "," * 12, "p1,1" + "," * 12), "重复"),
        (table(",1" + "," * 11 + "1"), "没有 person"),
        (table("p1,1" + ",1" * 40), "表头只有"),
    ],
)
def test_tables_that_are_refused(data, told):
    with pytest.raises(Refused, match=told):
        read_measures(data, load_scheme("2026"))


def indented(text, first):
    """The indented block of a page that begins with `first`."""
    lines = text.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith(f"    {first}"))
    block = itertools.takewhile(lambda line: line.startswith("    "), lines[at:])
    return "\n".join(line[4:] for line in block)


def tables(text):
    """Rows of cells of each table of a page, heads and rules left out."""
    found, current = [], []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            current.append([cell.strip() for cell in line.strip("|").split("|")])
        elif current:
            found.append(current[2:])
            current = []
    return found


def test_the_worked_examples_of_the_knowledge_base():
    """The page's table of measures gives the page's results, and each line of its reckoning."""
    page = (ROOT / "docs" / "evaluation" / "scoring.md").read_text("utf-8")
    scheme = load_scheme("2026")
    rows = read_measures(indented(page, "person,").encode(), scheme)
    results = {r.person: evaluate(scheme, r.measures, r.months) for r in rows}
    totals, first, second = tables(page)
    assert {p: (f"{r.total:.2f}", r.grade or "不定等次") for p, r in results.items()} == {
        person: (total, grade) for person, total, grade in totals
    }
    assert results["丙"].vetoed
    for person, table in (("甲", first), ("乙", second)):
        scored = [i for d in results[person].dimensions for i in d.indicators]
        assert len(scored) == len(table) - 1
        for one, (_, value, how, points, most) in zip(scored, table, strict=False):
            if one.score is None:
                assert (value, points, most) == ("没有", "—", "—")
                continue
            assert (Decimal(value), points, Decimal(most)) == (one.value, f"{one.score}", one.max)
            if match := re.fullmatch(r"([\d.]+) × ([\d.]+) ÷ ([\d.]+)", how):
                a, b, c = map(Fraction, match.groups())
                assert rounded(a * b / c) == one.score
        known = [i for i in scored if i.score is not None]
        assert Decimal(table[-1][4]) == sum(i.max for i in known)
    # The sums in the text.
    for words in ("73 ÷ 85 × 100 = 85.88", "77.7333 ÷ 92 × 100 = 84.49"):
        part, whole, said = re.fullmatch(r"([\d.]+) ÷ (\d+) × 100 = ([\d.]+)", words).groups()
        assert words in page and rounded(Fraction(part) / Fraction(whole) * 100) == Decimal(said)
