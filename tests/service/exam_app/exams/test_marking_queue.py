from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from exam_app.exams.administration import create_exam
from exam_app.exams.marking_queue import unmarked_answers
from exam_app.exams.models import Attempt, Mark
from question_bank import Blueprint, parse_question
from tests.factories import CITY, DISTRICT, VILLAGE, begin, hand_in
from training_records.database import now

COMMON = {"topic": "走访建档", "level": "apply", "status": "reviewed", "source": "x", "kb": "x"}


@pytest.fixture
def exam(world, session):
    questions = [
        {
            "id": f"text-{n:04d}",
            "type": "short_answer",
            "stem": f"第 {n} 问",
            "key": "要点",
            "rubric": ["先问", "再记"],
        }
        for n in (1, 2)
    ]
    questions.append({"id": "tf-0001", "type": "true_false", "stem": "对吗", "key": True})
    blueprint = Blueprint(id="t", title="t", items=3, minutes=30, pass_percent=60)
    made = create_exam(
        session,
        [parse_question({**COMMON, **q}) for q in questions],
        blueprint,
        title="简答",
        kind="annual",
        division_code=CITY,
        organiser="青岛市民政局",
        level="市",
        opens_at=now() - timedelta(days=1),
        closes_at=now() + timedelta(days=1),
        attempts_allowed=1,
        double_marking=True,
        created_by="t",
    )
    session.commit()
    return made


def in_turn(*texts):
    """A choice that gives these texts to the written answers, one after the other."""
    told = iter(texts)
    return lambda place: True if place.question.type == "true_false" else next(told)


def test_two_mark_without_a_name_and_a_third_decides(world, session, saver, sign_in, exam):
    person = world.person(VILLAGE, name="独一无二")
    attempt = hand_in(session, saver, begin(session, exam, person), in_turn("先问再记", None))
    number, queue = attempt.id, f"/exams/manage/{exam.id}/marking"
    assert attempt.state == "submitted"
    session.commit()
    markers = [
        sign_in(world.account(r, d))
        for r, d in (("city", CITY), ("district", DISTRICT), ("operator", CITY))
    ]

    def mark(api, share, slot=None):
        page = api.get(queue).text
        assert "独一无二" not in page and "前河村" not in page and "先问再记" in page
        open_slot = page.split('name="slot" value="')[1].split('"')[0]
        return api.form(queue, attempt=number, slot=slot or open_slot, share=share, comment="看过")

    def state():
        session.expire_all()
        row = session.get_one(Attempt, number)
        told = row.state, None if row.score is None else float(row.score)
        session.rollback()
        return told

    mark(markers[0], 1)
    assert state() == ("submitted", None)
    # The same person has nothing more to mark; a share that is none is refused.
    assert "没有等您评分的题了" in markers[0].get(queue).text
    assert "请选一个得分比例" in mark(markers[1], 0.3).text
    mark(markers[1], 0.25)
    assert state() == ("submitted", None)
    mark(markers[2], 0.5)
    # Mean of the third and the nearer of the two, of 2 points; the empty answer needs nobody.
    assert state() == ("released", 2.75)
    assert len(session.scalars(select(Mark)).all()) == 3
    session.rollback()
    api = sign_in(world.account(person=person))
    assert "评语：看过" in api.get(f"/exams/attempts/{number}/result").text


def test_nobody_marks_outside_their_district(world, session, saver, exam):
    hand_in(session, saver, begin(session, exam, world.person(VILLAGE)), in_turn("甲", "乙"))
    assert len(list(unmarked_answers(session, exam, "370283", account_id=1))) == 2
    assert list(unmarked_answers(session, exam, "370281", account_id=1)) == []
