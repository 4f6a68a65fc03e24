"""Benchmark of optical mark recognition on simulated answer sheets: printed, filled in, scanned or photographed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.results import Measured, Row
from exam_app.exams.slots import Slot, lay_out
from exam_app.sheets.layout import Page, Size, lay_out_sheet, size_of
from exam_app.sheets.marks import new_code
from exam_app.sheets.printing import Holder, sheets_pdf
from exam_app.sheets.reading import Grey, Unreadable, find_marks, flatten, read_bubbles
from harness.camera import Truth, a_camera, a_hand, clean_print, fill_in, take
from question_bank import assemble, load_bank, load_blueprint


@dataclass
class Score:
    """How well sheets were read.

    `doubtful_sheets`: sheets with a doubtful mark or an unreadable page. `unreadable`: pages not read. `doubtful`:
    questions left for manual resolution. `wrong`: misread questions among those accepted. `seconds`: reading all
    pages. `marks_seconds`: only finding their fiducial marks. `why`: reasons of doubts and errors.
    """

    sheets: int = 0
    doubtful_sheets: int = 0
    unreadable: int = 0
    questions: int = 0
    doubtful: int = 0
    wrong: int = 0
    pages: int = 0
    seconds: float = 0.0
    marks_seconds: float = 0.0
    why: list[str] = field(default_factory=list)


def an_annual_form(seed: int) -> list[Slot]:
    """Slots of a form of the annual exam."""
    bank = {q.id: q for q in load_bank().reviewed()}
    form = assemble(list(bank.values()), load_blueprint("annual"), 1, seed=seed, exposure={})[0]
    return lay_out([bank[item] for item in form.items])


def invented(slots: Sequence[Slot], pages: Sequence[Page], rng: np.random.Generator) -> Truth:
    """Random marks for every row of bubbles; one question in thirty is left blank."""
    several = {p.id for p in slots if p.question.type == "multiple"}
    blank = {p.id for p in slots if rng.random() < 1 / 30}
    truth: dict[tuple[str, str], tuple[str, ...]] = {}
    for page in pages:
        for row in page.rows:
            labels = [b.label for b in row.bubbles]
            count = int(rng.integers(2, len(labels) + 1)) if row.slot in several else 1
            chosen = () if row.slot in blank else rng.choice(labels, count, replace=False)
            truth[row.slot, row.sub] = tuple(sorted(map(str, chosen)))
    return truth


def read_many(count: int, seed: int = 1, large_share: float = 0.15) -> Score:
    """Reads `count` simulated sheets of one form and compares them with the marks filled in."""
    rng = np.random.default_rng(seed)
    slots = an_annual_form(seed)
    several = {p.id for p in slots if p.question.type == "multiple"}
    score = Score()
    prints: dict[bool, tuple[list[Page], list[Grey]]] = {}
    for large in (False, True):
        holder = Holder(new_code(), "王秀兰", "云桥镇前河村", 1)
        pdf = sheets_pdf("儿童主任年度考核", [(holder, slots)], large)
        prints[large] = lay_out_sheet(slots, large), clean_print(pdf)
    for _ in range(count):
        large = bool(rng.random() < large_share)
        pages, papers = prints[large]
        truth, hand = invented(slots, pages, rng), a_hand(rng)
        doubtful = False
        for page, paper in zip(pages, papers, strict=True):
            marked = fill_in(paper, page, truth, size=size_of(large), hand=hand, rng=rng)
            picture = take(marked, a_camera(rng), rng)
            doubtful |= _compare(
                picture, page, size_of(large), several=several, truth=truth, score=score
            )
        score.sheets += 1
        score.doubtful_sheets += doubtful
    return score


def _compare(
    picture: Grey, page: Page, size: Size, *, several: set[str], truth: Truth, score: Score
) -> bool:
    begun = time.perf_counter()
    find_marks(picture)
    score.marks_seconds += time.perf_counter() - begun
    score.pages += 1
    begun = time.perf_counter()
    try:
        readings = read_bubbles(flatten(picture), page, size, several=several)
    except Unreadable as error:
        score.unreadable += 1
        score.why.append(str(error))
        return True
    finally:
        score.seconds += time.perf_counter() - begun
    doubtful = False
    for slot, reading in readings.items():
        score.questions += 1
        filled = {(slot, sub): tuple(sorted(labels)) for sub, labels in reading.filled.items()}
        if reading.doubt:
            score.doubtful += 1
            doubtful = True
            score.why.append(f"{slot}: {reading.doubt}")
        elif any(truth[key] != labels for key, labels in filled.items()):
            score.wrong += 1
            score.why.append(f"{slot}: {filled} instead of {[truth[k] for k in filled]}")
    return doubtful


def sheets_rows(count: int = 40, seeds: int = 1) -> Measured:
    """Rows and ratios for `count` sheets of each of `seeds` forms."""
    rows: list[Row] = []
    ratios: dict[str, float] = {}
    for seed in range(1, seeds + 1):
        score = read_many(count, seed)
        rows.append(
            {
                "form": seed,
                "sheets": score.sheets,
                "wrong": score.wrong,
                "sheets_to_a_person": score.doubtful_sheets,
                "of_these_unreadable": score.unreadable,
                "questions": score.questions,
                "questions_to_a_person": score.doubtful,
                "ms_page": round(1000 * score.seconds / score.pages),
            }
        )
        ratios[f"form {seed} 读一页÷只找方块"] = score.seconds / score.marks_seconds
    return rows, ratios
