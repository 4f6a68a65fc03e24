from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from benchmarks.assemble import broken, plan, pool
from question_bank import InfeasibleBlueprint, assemble, load_bank, load_blueprint
from question_bank.blueprint import Blueprint, bounds
from tests.examples import examples

BANK = load_bank()
PLAN = load_blueprint("induction")


def meets(form, plan):
    chosen = [BANK[i] for i in form.items]
    assert len(chosen) == len(set(form.items)) == plan.items
    for name, attribute in (("types", "type"), ("topics", "topic"), ("levels", "level")):
        counts = Counter(getattr(q, attribute) for q in chosen)
        for value, count in getattr(plan, name).items():
            low, high = bounds(count)
            assert low <= counts[value] <= high, (name, value)


@settings(max_examples=examples(8), deadline=None)
@given(st.integers(0, 10_000))
def test_every_seed_meets_the_blueprint(seed):
    (form,) = assemble(list(BANK), PLAN, seed=seed)
    meets(form, PLAN)
    assert form.mean_facility == pytest.approx(PLAN.facility, abs=0.01)
    assert assemble(list(BANK), PLAN, seed=seed)[0].items == form.items


@pytest.mark.parametrize("name", ["induction", "annual", "supervisors"])
def test_each_blueprint_gives_ten_forms(name):
    plan = load_blueprint(name)
    forms = assemble(list(BANK), plan, forms=10, seed=1)
    assert len(forms) == 10
    for form in forms:
        meets(form, plan)
    for a, b in combinations(forms, 2):
        assert len(set(a.items) & set(b.items)) <= plan.max_overlap * plan.items


def test_parallel_forms_keep_the_overlap_limit():
    forms = assemble(list(BANK), PLAN, forms=2, seed=3)
    for form in forms:
        meets(form, PLAN)
    assert len(set(forms[0].items) & set(forms[1].items)) <= PLAN.max_overlap * PLAN.items


def test_enemies_sets_anchors_exclude_and_exposure():
    ids = [q.id for q in BANK if q.type == "single"][:8]
    plan = Blueprint(
        id="t",
        title="t",
        items=6,
        minutes=9,
        pass_percent=60,
        types={"single": 6},
        enemies=((ids[0], ids[1]),),
        sets=((ids[2], ids[3]),),
        anchors=(ids[0],),
        exclude=(ids[4],),
        max_exposure=1,
    )
    pool = [q for q in BANK if q.type == "single"][:20]
    chosen = set(assemble(pool, plan, seed=1, exposure={ids[5]: 1})[0].items)
    assert ids[0] in chosen and ids[1] not in chosen
    assert (ids[2] in chosen) == (ids[3] in chosen)
    assert not chosen & {ids[4], ids[5]}


def test_an_infeasible_blueprint_says_what_is_missing():
    plan = PLAN.model_copy(update={"topics": {"强制报告": (48, 50)}})
    with pytest.raises(InfeasibleBlueprint, match="强制报告"):
        assemble(list(BANK), plan)
    with pytest.raises(InfeasibleBlueprint, match="锚题"):
        assemble(list(BANK), PLAN.model_copy(update={"anchors": ("none-0001",)}))


def test_conflicting_demands_are_named_together_and_no_others():
    ids = [q.id for q in BANK if q.type == "single"][:2]
    plan = PLAN.model_copy(update={"anchors": tuple(ids), "enemies": (tuple(ids),)})
    with pytest.raises(InfeasibleBlueprint) as refused:
        assemble(list(BANK), plan)
    (said,) = refused.value.conflicts
    assert "不能同时做到" in said and "互斥题" in said and said.count("锚题") == 2
    assert "层次" not in said and "主题" not in said


def test_too_many_forms_for_the_overlap_says_so():
    questions, _ = pool(25, seed=3)
    wanted = Blueprint(id="t", title="t", items=20, minutes=9, pass_percent=60, max_overlap=0.5)
    with pytest.raises(InfeasibleBlueprint, match="减少套数"):
        assemble(questions, wanted, forms=3)


def test_the_gap_that_the_solver_proved_is_told():
    (form,) = assemble(list(BANK), PLAN, seed=1)
    assert form.proved is not None and 0 <= form.proved <= 1e-3


def test_drafts_are_never_used():
    drafts = [q.model_copy(update={"status": "draft"}) for q in BANK]
    with pytest.raises(InfeasibleBlueprint):
        assemble(drafts, PLAN)


def test_many_forms_from_a_pool_are_apart_and_even():
    questions, parameters = pool(600, seed=2)
    wanted = plan().model_copy(
        update={
            "items": 20,
            "types": {"single": 12, "multiple": 5, "true_false": 3},
            "topics": dict.fromkeys(plan().topics, (0, 4)),
            "levels": {"apply": (4, 10)},
            "sets": (("pool-0300", "pool-0301"),),
        }
    )
    by_id = {q.id: q for q in questions}
    forms = assemble(questions, wanted, forms=6, seed=5, parameters=parameters)
    assert all(broken([by_id[i] for i in form.items], wanted) == 0 for form in forms)
    assert len({i for form in forms for i in form.items}) == 6 * 20
    means = [form.mean_facility for form in forms]
    assert max(means) - min(means) < 0.004 and abs(np.mean(means) - 0.65) < 0.01
    information = np.array([form.information for form in forms])
    assert (np.ptp(information, axis=0) / information.mean(axis=0)).max() < 0.05
    again = assemble(questions, wanted, forms=6, seed=5, parameters=parameters)
    assert [f.items for f in again] == [f.items for f in forms]


def test_too_small_a_pool_overlaps_within_the_limit():
    questions, _ = pool(60, seed=3)
    wanted = Blueprint(
        id="t", title="t", items=20, minutes=9, pass_percent=60, max_overlap=0.5, facility=0.65
    )
    forms = assemble(questions, wanted, forms=4, seed=1)
    for a, b in combinations(forms, 2):
        assert len(set(a.items) & set(b.items)) <= 10
    assert forms[0].gap is None


def test_no_clock_ends_a_search(monkeypatch):
    asked = []
    real = optimize.milp

    def milp(*arguments, options, **more):
        asked.append(dict(options))
        return real(*arguments, options=options, **more)

    monkeypatch.setattr(optimize, "milp", milp)
    assemble(list(BANK), PLAN, forms=2, seed=1)
    assert asked and all("time_limit" not in options for options in asked)
    assert all(options["node_limit"] > 0 for options in asked)
