"""How an exam went, and what looks odd in it."""

from __future__ import annotations

from exam_app.exams import service
from exam_app.exams.saving import NewAnswer
from exam_app.exams.slots import slots_of
from tests.factories import (
    CITY,
    DISTRICT,
    OTHER_VILLAGE,
    VILLAGE,
    ZONE,
    begin,
    blank,
    hand_in,
    right_answer,
    rightly,
)
from training_records.database import now


def test_how_it_went_by_score_and_by_place(world, session, saver, sign_in):
    exam = world.exam()
    for place, right in ((VILLAGE, True), (VILLAGE, False), (OTHER_VILLAGE, True)):
        hand_in(
            session,
            saver,
            begin(session, exam, world.person(place)),
            rightly if right else blank,
        )
    room = f"/exams/manage/{exam.id}"
    city, district = (
        sign_in(world.account(r, d)) for r, d in (("city", CITY), ("district", DISTRICT))
    )
    page = city.get(room).text
    assert "3 人出了成绩，2 人合格（67%），平均 66.7 分" in page
    assert page.index("平度市") < page.index("胶州市")
    page = district.get(room).text
    assert "2 人出了成绩，1 人合格（50%），平均 50.0 分" in page and "胶州市" not in page
    html, book = district.get(f"{room}/analysis.html"), district.get(f"{room}/analysis.xlsx")
    assert "2 人答了" in html.text and html.headers["Content-Disposition"].startswith("attachment")
    assert book.data[:2] == b"PK"
    assert district.get(f"{room}/analysis.pdf").status_code == 404
    empty = world.exam(DISTRICT)
    refused = district.get(f"/exams/manage/{empty.id}/analysis.html")
    assert refused.status_code == 422 and "还没有人交卷" in refused.text


def test_wrong_answers_that_are_too_much_alike_are_a_hint(world, session, saver, sign_in):
    """Two of one village give the same wrong answers, others their own."""
    exam = world.exam()
    people = [world.person(VILLAGE, name=f"甲{n}") for n in range(4)]
    people += [world.person(OTHER_VILLAGE, name=f"乙{n}") for n in range(4)]
    for number, person in enumerate(people):

        def choose(place, number=number):
            response = right_answer(place.question)
            if place.question.type == "single":
                wrong = [o for o in place.order if o != response]
                # The first two choose alike, the others each in their own way.
                response = wrong[(int(place.id) * 7 + max(number, 1) * int(place.id)) % 3]
            return response

        hand_in(session, saver, begin(session, exam, person), choose)
    page = sign_in(world.account("district", DISTRICT)).get(f"/exams/manage/{exam.id}/alike").text
    assert "甲0、甲1" in page and "只是线索" in page and "乙0" not in page


def test_who_answers_before_reading_is_shown_to_their_own_office(world, session, saver, sign_in):
    exam = world.exam()
    hasty, stranger = world.person(name="快手张"), world.person(OTHER_VILLAGE, name="快手李")
    calm = [world.person(name=f"慢慢{n}") for n in range(25)]
    for person in (hasty, stranger, *calm):
        attempt = begin(session, exam, person)
        seconds = 1 if person in (hasty, stranger) else 40
        ticket = service.ticket_of(attempt)
        slots = [place.id for place in slots_of(attempt)]
        session.commit()
        saver.save(ticket, [NewAnswer(slot, None, 1, seconds) for slot in slots], now())
        service.submit(session, attempt.id, person.id, expected={}, zone=ZONE)
        session.commit()
    page = sign_in(world.account("district", DISTRICT)).get(f"/exams/manage/{exam.id}/alike").text
    assert "有 1 人答得太快" in page and "快手张" in page and "快手李" not in page
    assert "慢慢" not in page
