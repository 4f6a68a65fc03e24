"""Shapes of answers, and tickets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exam_app.exams.ticket import Ticket, Tickets, csrf_digest
from question_bank import load_bank, parts_of
from question_bank.response import InvalidResponse, Shape, shape_of, valid_response
from tests.factories import right_answer

PARTS = [part for question in load_bank() for part in parts_of(question)]


@given(st.sampled_from(PARTS))
def test_a_shape_says_what_its_question_takes(part):
    shape = Shape.parse(str(shape_of(part)))
    assert shape == shape_of(part)
    assert shape.check(right_answer(part)) == valid_response(part, right_answer(part))
    for wrong in (0, 1.5, "Z", ["Z"], {"z": 1}, ["x"] * 9, {"a": "1"}):
        try:
            taken = valid_response(part, wrong)
        except InvalidResponse:
            with pytest.raises(InvalidResponse):
                shape.check(wrong)
        else:
            assert shape.check(wrong) == taken


def test_a_ticket_is_read_back_and_a_forged_one_is_not():
    tickets = Tickets("k" * 40)
    shapes = tuple(shape_of(part) for part in PARTS[:60])
    ticket = Ticket(7, 9, "h" * 64, shapes, csrf_digest("t"))
    text = tickets.write(ticket)
    assert tickets.read(text) == ticket and len(text) < 2000
    assert tickets.read(text[:-1] + ("A" if text[-1] != "A" else "B")) is None
    assert Tickets("other" * 8).read(text) is None
    assert [ticket.shape(s) for s in ("0", "61", "01", "x", "", "１", "-1")] == [None] * 7
    assert ticket.shape("60") == shapes[59]
