from __future__ import annotations

import csv
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from exam_app.exams.export import age_group, export, groups_of
from exam_app.exams.saving import NewAnswer
from exam_app.exams.service import submit, ticket_of
from question_bank.classical import analyse
from question_bank.responses import read_key, read_responses
from tests.factories import OTHER_VILLAGE, SKIP, TOWN, VILLAGE, begin, hand_in, right_answer
from training_records.database import now
from training_records.errors import NotFound, Refused

ZONE = ZoneInfo("Asia/Shanghai")


def sit(session, saver, exam, person, wrong=(), skip=()):
    """Answers everything right but what is told, and hands in."""

    def choose(place):
        if place.item.id in skip:
            return SKIP
        response = right_answer(place.question)
        if place.item.id in wrong and place.question.type in ("single", "true_false"):
            others = [o for o in place.order if o != response]
            response = others[0] if others else not response
        return response

    return hand_in(session, saver, begin(session, exam, person), choose)


def table(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_matrix_is_what_was_answered_and_scored(world, session, saver, tmp_path):
    exam = world.exam(forms=2, shuffled=True)
    people = [world.person() for _ in range(4)]
    singles = [{i["id"] for i in f.items if i["type"] == "single"} for f in exam.forms]
    wrong, skipped = sorted(singles[0] & singles[1] or singles[0])[0], sorted(singles[1])[-1]
    attempts = [sit(session, saver, exam, p, {wrong}, {skipped}) for p in people]
    assert export(session, exam.id, tmp_path, by="role") == 4
    rows, scores = table(tmp_path / "responses.csv"), table(tmp_path / "scores.csv")
    assert [int(r["person"]) for r in rows] == [p.id for p in people]
    key = read_key(tmp_path / "key.csv")
    data = read_responses(tmp_path / "responses.csv", key)
    by_score = read_responses(tmp_path / "scores.csv")
    assert (data.items == by_score.items) and len(analyse(data).items) == len(key)
    for row, points, attempt in zip(rows, scores, attempts, strict=True):
        given = [float(v) for k, v in points.items() if k != "person" and v not in ("", "NA")]
        assert sum(given) == pytest.approx(float(attempt.score))
        own = {i["id"] for i in attempt.form.items}
        for name, cell in row.items():
            if name != "person" and name.split(".")[0] not in own:
                assert cell == "NA" == points[name]
        if wrong in own:
            assert row[wrong] != key[wrong][0] and points[wrong] == "0"
        if skipped in own:
            assert row[skipped] == "" == points[skipped]
    assert {r["group"] for r in table(tmp_path / "groups.csv")} == {"儿童主任"}


def test_times_are_those_that_the_phones_told(world, session, saver, tmp_path):
    exam = world.exam()
    attempt = begin(session, exam, world.person())
    ticket = ticket_of(attempt)
    session.commit()
    saver.save(ticket, [NewAnswer("1", None, 1, 14), NewAnswer("2", None, 1)], now())
    submit(session, attempt.id, attempt.person_id, expected={}, zone=ZONE)
    session.commit()
    export(session, exam.id, tmp_path)
    (row,) = table(tmp_path / "times.csv")
    cells = list(row.values())[1:]
    assert sorted(cells, reverse=True)[0] == "14" and set(cells) == {"14", ""}


def test_only_the_first_attempt_counts_and_nobody_is_named(world, session, saver, tmp_path):
    exam, person = world.exam(), world.person(name="独一无二")
    first = sit(session, saver, exam, person, skip={i["id"] for i in exam.forms[0].items})
    assert not first.passed
    sit(session, saver, exam, person)
    export(session, exam.id, tmp_path)
    text = (tmp_path / "responses.csv").read_text("utf-8")
    assert "独一无二" not in text and person.phone not in text
    assert set(table(tmp_path / "responses.csv")[0].values()) == {str(person.id), ""}
    assert not (tmp_path / "groups.csv").exists()


def test_nobody_yet_and_no_such_exam_are_refused(world, session, saver, tmp_path):
    with pytest.raises(Refused, match="还没有人交卷"):
        export(session, world.exam().id, tmp_path)
    with pytest.raises(NotFound):
        export(session, 999, tmp_path)


def test_groups_are_those_of_the_day(world, session):
    here = world.person(VILLAGE, birth_date=date(1980, 5, 2))
    there = world.person(OTHER_VILLAGE)
    boss = world.person(TOWN, "supervisor", birth_date=date(1960, 1, 1))
    people, day = [here.id, there.id, boss.id], date(2026, 5, 1)
    assert groups_of(session, people, day, by="district") == {
        here.id: "平度市",
        there.id: "胶州市",
        boss.id: "平度市",
    }
    assert list(groups_of(session, people, day, by="age").values()) == [
        "40–49岁",
        "不详",
        "60岁以上",
    ]
    assert groups_of(session, people, day, by="role")[boss.id] == "儿童督导员"
    assert groups_of(session, [here.id], date(2020, 1, 1), by="role")[here.id] == "不详"
    assert age_group(date(1986, 5, 2), day) == "40岁以下"
    assert age_group(date(1986, 5, 1), day) == "40–49岁"
