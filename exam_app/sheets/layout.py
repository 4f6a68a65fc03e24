"""The layout of an answer sheet, in millimetres from the top left of an A4 page.

It is a function of the form's slots alone, so that the reader can recompute it for a scan. Raise
`VERSION` with every change: the QR holds the layout version a sheet was printed with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from exam_app.exams.slots import Slot
from question_bank import Answerable

VERSION = 1
WIDTH, HEIGHT = 210.0, 297.0
# Six fiducial marks (ArUco, id = index in this list), top left corners.
MARK = 9.0
MARKS = ((9.0, 9.0), (192.0, 9.0), (9.0, 144.0), (192.0, 144.0), (9.0, 279.0), (192.0, 279.0))
QR = (163.0, 20.0, 24.0)
LEFT, TOP, RIGHT, BOTTOM = 22.0, 66.0, 188.0, 277.0
GAP = 3.5
# Width reserved for the number in front of a box.
BEFORE = 7.0
TRUE, FALSE = "对", "错"


@dataclass(frozen=True)
class Size:
    """Widths and heights of one kind of sheet; `columns` side by side."""

    bubble: tuple[float, float]
    pitch: float
    row: float
    number: float
    sub: float
    columns: int
    box: float
    text_box: float


NORMAL = Size((5.4, 3.6), 6.6, 6.6, 7.0, 6.0, 3, 11.0, 44.0)
LARGE = Size((7.6, 5.2), 9.6, 9.6, 11.0, 10.0, 2, 16.0, 60.0)


@dataclass(frozen=True)
class Bubble:
    """A bubble: its printed label, its centre."""

    label: str
    x: float
    y: float


@dataclass(frozen=True)
class BubbleRow:
    """A row of bubbles of which one is filled in (any number for a multiple-choice item).

    `sub`: the position in an order item, or the left label of a match item; else empty. `x`, `y`:
    top left of the row; `words`: the text printed before it.
    """

    slot: str
    sub: str
    x: float
    y: float
    words: str
    bubbles: tuple[Bubble, ...]


@dataclass(frozen=True)
class Box:
    """A box to write in: one blank of a fill item, or a written answer."""

    slot: str
    number: int
    x: float
    y: float
    width: float
    height: float
    words: str


@dataclass(frozen=True)
class Page:
    """One page of a sheet."""

    number: int
    rows: tuple[BubbleRow, ...]
    boxes: tuple[Box, ...]

    def area(self, slot: str) -> tuple[float, float, float, float] | None:
        """Left, top, right, bottom of everything on this page that belongs to a slot; None when nothing does."""
        areas = [
            (b.x - BEFORE, b.y, b.x + b.width, b.y + b.height) for b in self.boxes if b.slot == slot
        ]
        for row in self.rows:
            if row.slot == slot:
                ends = [(b.x, b.y) for b in row.bubbles]
                right, bottom = max(x for x, _ in ends) + 5, max(y for _, y in ends) + 4
                areas.append((row.x, row.y, right, bottom))
        if not areas:
            return None
        lefts, tops, rights, bottoms = zip(*areas, strict=True)
        return min(lefts), min(tops), max(rights), max(bottoms)


def size_of(large: bool) -> Size:
    """The dimensions of the normal or the large-print sheet."""
    return LARGE if large else NORMAL


def lay_out_sheet(form_slots: Sequence[Slot], large: bool = False) -> list[Page]:
    """The pages for the slots of a form: bubbles in columns, then written answers at full width."""
    size = size_of(large)
    width = (RIGHT - LEFT - GAP * (size.columns - 1)) / size.columns
    columns: list[list[BubbleRow | Box]] = [[]]
    x, y = LEFT, TOP
    written = [slot for slot in form_slots if slot.question.type == "short_answer"]
    for slot in form_slots:
        if slot in written:
            continue
        height = _height(slot.question, size, width)
        if y + height > BOTTOM:
            columns.append([])
            x, y = LEFT + (len(columns) - 1) % size.columns * (width + GAP), TOP
        columns[-1].extend(_block(slot, size, width, x=x, y=y))
        y += height
    if not columns[0]:
        columns = []
    pages = [
        [part for column in columns[n : n + size.columns] for part in column]
        for n in range(0, len(columns), size.columns)
    ]
    pages += _written(written, size)
    return [
        Page(
            number,
            tuple(part for part in parts if isinstance(part, BubbleRow)),
            tuple(part for part in parts if isinstance(part, Box)),
        )
        for number, parts in enumerate(pages, 1)
    ]


def _block(slot: Slot, size: Size, width: float, *, x: float, y: float) -> list[BubbleRow | Box]:
    if slot.question.type == "fill":
        return _blanks(slot, size, width, x=x, y=y)
    rows: list[BubbleRow | Box] = []
    for number, (sub, labels) in enumerate(_lines(slot.question)):
        words = slot.id if number == 0 else ""
        for chunk in _chunks(labels, size, width):
            rows.append(_row(slot.id, sub, words, labels=chunk, size=size, x=x, y=y))
            words = ""
            y += size.row
    return rows


def _lines(question: Answerable) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(sub, labels) of each row of bubbles that a question needs."""
    labels = question.shape.labels
    if question.type == "true_false":
        yield "", (TRUE, FALSE)
    elif question.type == "order":
        yield from ((str(n), labels) for n in range(1, len(labels) + 1))
    elif question.type == "match":
        yield from ((left, labels) for left in question.left)
    else:
        yield "", labels


def _chunks(labels: Sequence[str], size: Size, width: float) -> Iterator[Sequence[str]]:
    per_row = int((width - size.number - size.sub) / size.pitch)
    return (labels[n : n + per_row] for n in range(0, len(labels), per_row))


def _row(
    slot: str, sub: str, words: str, *, labels: Sequence[str], size: Size, x: float, y: float
) -> BubbleRow:
    start = x + size.number + size.sub + size.pitch / 2
    middle = y + size.row / 2
    bubbles = tuple(Bubble(label, start + n * size.pitch, middle) for n, label in enumerate(labels))
    return BubbleRow(slot, sub, x, y, words, bubbles)


def _blanks(slot: Slot, size: Size, width: float, *, x: float, y: float) -> list[BubbleRow | Box]:
    count = slot.question.shape.blanks
    return [
        Box(
            slot.id,
            n,
            x + size.number,
            y + n * size.box + 1,
            width - size.number,
            size.box - 2,
            slot.id if count == 1 else f"{slot.id}({n + 1})",
        )
        for n in range(count)
    ]


def _height(question: Answerable, size: Size, width: float) -> float:
    if question.type == "fill":
        return len(question.key) * size.box
    lines = sum(1 for _, labels in _lines(question) for _ in _chunks(labels, size, width))
    return lines * size.row


def _written(form_slots: Sequence[Slot], size: Size) -> list[list[BubbleRow | Box]]:
    pages: list[list[BubbleRow | Box]] = []
    y = BOTTOM
    for slot in form_slots:
        if y + size.text_box > BOTTOM:
            pages.append([])
            y = TOP
        pages[-1].append(
            Box(
                slot.id,
                0,
                LEFT + size.number,
                y + 1,
                RIGHT - LEFT - size.number,
                size.text_box - 3,
                slot.id,
            )
        )
        y += size.text_box
    return pages
