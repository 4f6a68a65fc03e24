"""Bubbles on paper: where they are printed, and what is read from pictures of them."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.sheets import an_annual_form, read_many
from exam_app.exams.slots import Slot, lay_out
from exam_app.sheets.layout import (
    BOTTOM,
    LEFT,
    NORMAL,
    RIGHT,
    TOP,
    Bubble,
    Page,
    lay_out_sheet,
    size_of,
)
from exam_app.sheets.printing import Holder, sheets_pdf
from exam_app.sheets.reading import (
    LETTER,
    Grey,
    Reading,
    Unreadable,
    _darkness,
    flatten,
    read_bubbles,
)
from exam_app.sheets.service import response_of
from harness.camera import Camera, Hand, clean_print, fill_in, take
from question_bank import load_bank
from tests.examples import examples

CODE = "ABCDEFGHJK"
STEADY = Hand(0.6, erased=0.0)


@cache
def form() -> tuple[list[Slot], list[Page], Grey]:
    places = an_annual_form(1)
    pdf = sheets_pdf("年度考核", [(Holder(CODE, "王秀兰", "前河村", 1), places)])
    return places, lay_out_sheet(places), clean_print(pdf)[0]


def several() -> set[str]:
    return {p.id for p in form()[0] if p.question.type == "multiple"}


def marked(truth: dict[tuple[str, str], tuple[str, ...]], hand: Hand = STEADY) -> Grey:
    return fill_in(
        form()[2], form()[1][0], truth, size=NORMAL, hand=hand, rng=np.random.default_rng(3)
    )


def read(picture: Grey) -> dict[str, Reading]:
    flat = flatten(picture)
    assert (flat.code, flat.page) == (CODE, 1)
    return read_bubbles(flat, form()[1][0], NORMAL, several=several())


def all_a() -> dict[tuple[str, str], tuple[str, ...]]:
    """The first bubble of every row."""
    return {(row.slot, row.sub): (row.bubbles[0].label,) for row in form()[1][0].rows}


# --- The layout ---------------------------------------------------------------------------------


@settings(max_examples=examples(60), deadline=None)
@given(st.data(), st.booleans())
def test_every_slot_has_its_own_place_on_the_page(data: st.DataObject, large: bool) -> None:
    bank = load_bank().reviewed()
    chosen = data.draw(st.lists(st.sampled_from(bank), min_size=1, max_size=70, unique_by=id))
    places, size = lay_out(chosen), size_of(large)
    pages = lay_out_sheet(places, large)
    assert [page.number for page in pages] == list(range(1, len(pages) + 1))
    seen: set[str] = set()
    for page in pages:
        taken: list[tuple[float, float, float, float]] = []
        for row in page.rows:
            assert row.bubbles
            for b in row.bubbles:
                w, h = size.bubble
                taken.append((b.x - w / 2, b.y - h / 2, b.x + w / 2, b.y + h / 2))
        taken += [(b.x, b.y, b.x + b.width, b.y + b.height) for b in page.boxes]
        for n, (left, top, right, bottom) in enumerate(taken):
            assert LEFT <= left < right <= RIGHT + 0.01 and TOP <= top < bottom <= BOTTOM + 0.01
            for other in taken[:n]:
                apart = (
                    right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top
                )
                assert apart
        on_it = {row.slot for row in page.rows} | {box.slot for box in page.boxes}
        assert not on_it & seen
        seen |= on_it
    assert seen == {place.id for place in places}


def test_rows_offer_what_can_be_answered() -> None:
    places, pages, _ = form()
    rows = [row for page in pages for row in page.rows]
    for place in places:
        own = [row for row in rows if row.slot == place.id]
        q = place.question
        if q.type in ("order", "match"):
            lines = (
                list(q.left) if q.type == "match" else [str(n + 1) for n in range(len(q.options))]
            )
            assert [row.sub for row in own] == lines
        for row in own:
            labels = ["对", "错"] if q.type == "true_false" else [str(k) for k in q.options]
            assert [b.label for b in row.bubbles] == labels


# --- Reading ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(n, marks=pytest.mark.slow) for n in range(2, 11))]
)
def test_invented_sheets_are_read_right_or_left_to_a_person(seed: int) -> None:
    """The long form, 200 sheets, is `academy bench sheets`."""
    score = read_many(6, seed)
    assert score.sheets == 6 and score.questions + score.unreadable * 30 >= 6 * 40
    assert score.wrong == 0, score.why
    assert score.doubtful_sheets <= 1, score.why


@pytest.mark.parametrize(
    "camera",
    [
        Camera(turn=5),
        Camera(turn=-5, upside_down=True),
        Camera(scale=4.0),
        Camera(perspective=0.06, shadow=0.5, noise=10, scale=8),
        Camera(bend=2.0, scale=8),
    ],
    ids=["turned", "upside-down", "100 dpi", "photo", "bent"],
)
def test_each_kind_of_picture(camera: Camera) -> None:
    picture = take(marked(all_a()), camera, np.random.default_rng(2))
    found = read(picture)
    assert all(reading.doubt is None for reading in found.values())
    assert {
        (s, sub): labels for s, r in found.items() for sub, labels in r.filled.items()
    } == all_a()


@pytest.mark.parametrize("dark", [0.2, 0.5, 0.9])
def test_a_pale_pencil_is_measured_by_itself(dark: float) -> None:
    found = read(marked(all_a(), Hand(dark, erased=0.0)))
    assert all(r.doubt is None and all(r.filled.values()) for r in found.values())


def test_the_ink_of_the_printed_letters_is_what_is_printed() -> None:
    flat = flatten(marked({}))
    for row in form()[1][0].rows:
        for b in row.bubbles:
            assert _darkness(flat.ink, b.x, b.y, size=NORMAL) == pytest.approx(
                LETTER[b.label], abs=0.01
            )


def test_an_empty_sheet_is_empty() -> None:
    found = read(marked({}))
    assert all(r.doubt is None and not any(r.filled.values()) for r in found.values())


def single() -> tuple[str, list[Bubble]]:
    place = next(p for p in form()[0] if p.question.type == "single")
    row = next(r for r in form()[1][0].rows if r.slot == place.id)
    return place.id, list(row.bubbles)


def darken(picture: Grey, b: Bubble, share: float, height: float = 1.0) -> Grey:
    """A bubble (or the upper part of it) made darker by a share of its light."""
    w, h = NORMAL.bubble
    left, right = round((b.x - w / 2) * 10), round((b.x + w / 2) * 10)
    top, bottom = round((b.y - h / 2) * 10), round((b.y - h / 2 + h * height) * 10)
    changed = picture.copy()
    part = changed[top:bottom, left:right]
    changed[top:bottom, left:right] = (part * (1 - share)).astype(np.uint8)
    return changed


def test_two_marks_for_a_single_choice_are_for_a_person() -> None:
    slot, bubbles = single()
    found = read(darken(marked(all_a()), bubbles[2], 0.6))
    assert found[slot].doubt == "涂了不止一个"
    assert sum(r.doubt is not None for r in found.values()) == 1


def test_half_an_erasure_is_for_a_person() -> None:
    slot, bubbles = single()
    found = read(darken(marked(all_a()), bubbles[2], 0.27))
    assert found[slot].doubt is not None and bubbles[2].label in found[slot].doubt


def test_a_clean_erasure_is_no_mark() -> None:
    slot, bubbles = single()
    found = read(darken(marked(all_a()), bubbles[2], 0.1))
    assert found[slot].doubt is None and found[slot].filled[""] == (bubbles[0].label,)


def test_an_erasure_alone_is_for_a_person() -> None:
    slot, bubbles = single()
    truth = {key: labels for key, labels in all_a().items() if key[0] != slot}
    assert read(darken(marked(truth), bubbles[1], 0.1))[slot].doubt is not None


def test_a_tick_is_never_dropped_without_a_word() -> None:
    slot, bubbles = single()
    truth = {key: labels for key, labels in all_a().items() if key[0] != slot}
    reading = read(darken(marked(truth), bubbles[1], 0.8, height=0.4))[slot]
    assert reading.doubt is not None or reading.filled[""] == (bubbles[1].label,)


@pytest.mark.parametrize("blank", [[(0, 0)], [(0, 0), (1, 1)], [(0, 0), (1, 0), (0, 1)]])
def test_corners_folded_over(blank: list[tuple[int, int]]) -> None:
    """Up to three of six marks may be lost."""
    picture = marked(all_a())
    for x, y in blank:
        picture[y * 2750 : y * 2750 + 220, x * 1880 : x * 1880 + 220] = 255
    found = read(picture)
    assert all(reading.doubt is None for reading in found.values())


def test_half_a_page_is_refused() -> None:
    with pytest.raises(Unreadable, match="只找到 2 个"):
        flatten(marked({})[:1200])


def test_something_else_is_refused() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (1200, 900), np.uint8)
    with pytest.raises(Unreadable, match="只找到 0 个"):
        flatten(noise)


def test_a_hidden_code_is_refused_and_can_be_typed() -> None:
    picture = marked(all_a())
    picture[180:460, 1600:1900] = 255
    with pytest.raises(Unreadable, match="二维码"):
        flatten(picture)
    flat = flatten(picture, (CODE, 1))
    assert not any(
        r.doubt for r in read_bubbles(flat, form()[1][0], NORMAL, several=several()).values()
    )


# --- From bubbles to responses ------------------------------------------------------------------


def question(kind: str) -> Any:
    return next(q for q in load_bank().reviewed() if q.type == kind)


def test_bubbles_as_responses() -> None:
    single, multiple = question("single"), question("multiple")
    assert response_of(single, Reading({"": ("B",)})) == ("B", None)
    assert response_of(single, Reading({"": ()})) == (None, None)
    assert response_of(multiple, Reading({"": ("C", "A")})) == (["A", "C"], None)
    assert response_of(question("true_false"), Reading({"": ("错",)})) == (False, None)
    order = question("order")
    labels = list(order.options)
    lines = {str(n): (label,) for n, label in enumerate(labels, 1)}
    assert response_of(order, Reading(lines)) == (labels, None)
    assert response_of(order, Reading(dict.fromkeys(lines, ()))) == (None, None)
    half, doubt = response_of(order, Reading({**lines, "1": ()}))
    assert half is None and doubt and "排序" in doubt
    twice, doubt = response_of(order, Reading({**lines, "1": (labels[1],)}))
    assert twice is None and doubt
    match = question("match")
    pairs = {left: ("1",) for left in match.left}
    assert response_of(match, Reading(pairs)) == (dict.fromkeys(match.left, 1), None)
    assert response_of(single, Reading({"": ("B",)}, "淡")) == ("B", "淡")
