"""Model workers and allowances: who may be nominated, nothing public without agreement, amounts to the cent."""

from __future__ import annotations

import io
from datetime import date, timedelta

import openpyxl
import pytest

from exam_app.exemplars.jobs import gather_published
from tests.factories import DISTRICT, PARTS, VILLAGE, VILLAGE_2, evaluated
from training_records.archive.service import entries_of
from training_records.errors import NotFound, Refused
from training_records.evaluation import allowances
from training_records.evaluation.models import EvaluationResult
from training_records.exemplars import service
from training_records.inspection import cases

TODAY = date(2026, 11, 20)


def nominate(session, person, **more):
    told = {"material": "三年都好", "words": "风雨无阻", "year": 2026, **more}
    return service.nominate(
        session,
        person,
        DISTRICT,
        year=told["year"],
        material=told["material"],
        words=told["words"],
        today=TODAY,
        by="d",
    )


def test_candidates_by_results_over_years(session, world):
    long, short, fallen, vetoed, good = (world.person() for _ in range(5))
    evaluated(session, 2024, {long: "优秀", vetoed: "不合格"}, vetoed=True)
    session.query(EvaluationResult).filter_by(person_id=long.id).one().vetoed = False
    evaluated(session, 2025, {long: "优秀", short: "合格", fallen: "优秀"})
    assert [c.person.id for c in service.candidates(session, "3702", 2025)] == [long.id, fallen.id]
    evaluated(
        session,
        2026,
        {long: "优秀", short: "优秀", fallen: "合格", vetoed: "优秀", good: "合格"},
    )
    found = service.candidates(session, "370283", 2026)
    assert [(c.person.id, c.best) for c in found] == [(long.id, 3), (short.id, 1)]
    assert [y for y, _, _ in found[0].results] == [2026, 2025, 2024]
    assert service.candidates(session, "370281", 2026) == []
    session.commit()


def test_a_result_that_is_not_locked_makes_no_candidate(session, world):
    evaluated(session, 2026, {world.person(): "优秀"}, state="publicity")
    assert service.candidates(session, "3702", 2026) == []
    session.commit()


def test_nothing_is_public_without_agreement_and_it_can_be_taken_back(session, world):
    person, other = world.person(), world.person(VILLAGE_2)
    row = nominate(session, person)
    with pytest.raises(Refused, match="已经推荐过"):
        nominate(session, person)
    with pytest.raises(Refused, match="等本人同意"):
        service.publish(session, row, 5, today=TODAY, by="d")
    with pytest.raises(NotFound):
        service.agree(session, row, other.id)
    service.agree(session, row, person.id)
    with pytest.raises(Refused, match="5 到 30 天"):
        service.publish(session, row, 2, today=TODAY, by="d")
    service.publish(session, row, 5, today=TODAY, by="d")
    service.object_to(session, row, "材料里有一处不对", today=TODAY, by="account:9")
    with pytest.raises(Refused, match="已经提过"):
        service.object_to(session, row, "再说一次", today=TODAY, by="account:9")
    after = TODAY + timedelta(days=6)
    with pytest.raises(Refused, match="公示完才能选定"):
        service.choose(session, row, TODAY, by="c")
    with pytest.raises(Refused, match="没有答复"):
        service.choose(session, row, after, by="c")
    with pytest.raises(Refused, match="公示期间"):
        service.object_to(session, row, "晚了", today=after, by="account:8")
    [made] = service.objections_to(session, row)
    service.answer(session, row, made.id, text="核对过，属实", by="d")
    assert gather_published(session).people == ()
    service.choose(session, row, after, by="c")
    [award] = entries_of(session, person.id)
    assert (award.kind, award.title) == ("award", "2026年儿童主任典型")
    [shown] = gather_published(session).people
    assert (shown.name, shown.words) == (person.name, "风雨无阻") and "前河村" in shown.place
    assert service.withdraw(session, row, person.id, by="p")
    assert gather_published(session).people == () and entries_of(session, person.id) == []
    # Asked again and agreed again: a new entry.
    again = nominate(session, person, words="又一年")
    assert again.id == row.id and again.state == "nominated"
    session.commit()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"material": " "}, "请写推荐材料"),
        ({"words": "好" * 301}, "最多 300 字"),
        ({"material": "帮孩子 370283201403051234"}, "像是身份证号"),
    ],
)
def test_what_a_nomination_may_not_hold(session, world, more, words):
    with pytest.raises(Refused, match=words):
        nominate(session, world.person(), **more)
    session.rollback()


def test_who_is_no_director_now_is_not_nominated(session, world):
    supervisor = world.person("370283001000", "supervisor")
    with pytest.raises(Refused, match="不是儿童主任"):
        nominate(session, supervisor)
    row = nominate(session, world.person())
    with pytest.raises(Refused, match="为什么"):
        service.decline(session, row, " ", by="c")
    service.decline(session, row, "名额已满", by="c")
    assert service.exemplars_in(session, "370281") == []
    session.commit()


def test_cases_are_published_without_their_village(session, world):
    row = cases.submit(
        session,
        VILLAGE,
        2026,
        item=16,
        parts=PARTS,
        nameless=True,
        by="a",
        person_id=world.person().id,
    )
    cases.decide(session, row, "district", state="accepted", comment="", nameless=True, by="d")
    assert gather_published(session).cases == ()
    cases.decide(session, row, "city", state="chosen", comment="", nameless=True, by="c")
    [shown] = gather_published(session).cases
    assert shown.place == "平度市" and shown.done == PARTS["done"]
    session.commit()


def test_the_rule_table_and_its_workbook(session, world):
    person = world.person(name="=王秀兰", full_time=True, qualifications="社会工作者（初级）")
    run = evaluated(session, 2026, {person: "优秀"})
    told = {"full_time": "300", "social_worker": "50.5", "grade:优秀": "500", "part_time": ""}
    allowances.keep_rules(session, DISTRICT, 2026, texts=told, by="t")
    for odd in (
        {"x": "1"},
        {"full_time": "-1"},
        {"full_time": "1.005"},
        {"part_time": "多"},
        {"full_time": "NaN"},
    ):
        with pytest.raises(Refused):
            allowances.keep_rules(session, DISTRICT, 2026, texts=odd, by="t")
    rules = allowances.rules_of(session, DISTRICT, 2026)
    row = session.get(EvaluationResult, (run.id, person.id))
    book = openpyxl.load_workbook(
        io.BytesIO(allowances.allowance_workbook("补贴", rules, [(row, person, "前河村")]))
    )
    lines = [[c.value for c in line] for line in book["补贴"].iter_rows()]
    assert lines[-2][5:] == [3600, 606, 500, 4706] and lines[-1][5:] == [3600, 606, 500, 4706]
    assert all(c.data_type != "f" for line in book["补贴"].iter_rows() for c in line)
    assert book["规则"].max_row == 6
    session.commit()
