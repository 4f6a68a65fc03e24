"""Answer sheets as examinees hand them in, for tests."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image

from exam_app.exams.slots import Slot, slots
from exam_app.sheets.layout import FALSE, TRUE, size_of
from exam_app.sheets.models import AnswerSheet
from exam_app.sheets.printing import print_sheets
from exam_app.sheets.reading import Grey
from exam_app.sheets.service import pages_of
from harness.camera import Camera, Hand, clean_print, fill_in, take
from tests.factories import SKIP

CALM = Hand(0.7, erased=0.0)


def marks_of(place: Slot, response: Any) -> dict[tuple[str, str], tuple[str, ...]]:
    """(slot, line) to the labels that stand for a response."""
    kind, slot = place.question.type, place.id
    if response is None or response is SKIP or kind in ("fill", "short_answer"):
        return {}
    if kind == "true_false":
        return {(slot, ""): (TRUE if response else FALSE,)}
    if kind == "order":
        return {(slot, str(n)): (label,) for n, label in enumerate(response, 1)}
    if kind == "match":
        return {(slot, left): (str(right),) for left, right in response.items()}
    return {(slot, ""): tuple(response)}


def filled(
    sheet: AnswerSheet,
    choose: Callable[[Slot], Any],
    hand: Hand = CALM,
    camera: Camera | None = None,
    seed: int = 1,
) -> list[Grey]:
    """Pictures of a sheet's pages, filled in as `choose` says; fill questions get a scribble."""
    rng = np.random.default_rng(seed)
    truth: dict[tuple[str, str], tuple[str, ...]] = {}
    written = set()
    for place in slots(sheet.form):
        response = choose(place)
        truth.update(marks_of(place, response))
        if place.question.type in ("fill", "short_answer") and response not in (None, SKIP):
            written.add(place.id)
    papers = clean_print(print_sheets("考试", [sheet], {}))
    pictures = []
    for page, paper in zip(pages_of(sheet), papers, strict=True):
        marked = fill_in(paper, page, truth, size=size_of(sheet.large), hand=hand, rng=rng)
        for box in page.boxes:
            if box.slot in written:
                x, y = int(box.x * 10), int(box.y * 10)
                marked[y + 30 : y + 40, x + 40 : x + 240] = 40
        pictures.append(take(marked, camera, rng) if camera else marked)
    return pictures


def as_pdf(pictures: Sequence[Grey]) -> bytes:
    """The pictures as one PDF, as a scanner makes it."""
    images = [Image.fromarray(picture) for picture in pictures]
    out = io.BytesIO()
    images[0].save(out, "PDF", save_all=True, append_images=images[1:], resolution=254)
    return out.getvalue()


def as_jpeg(picture: Grey) -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=85)
    return out.getvalue()
