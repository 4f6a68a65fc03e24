"""Reads a page of an answer sheet from a grey picture: where it lies, whose it is, what is filled in.

The page is found by its square marks and laid flat, each block of bubbles is moved to where its printed
frames really are (paper bends), and a bubble counts by how dark it is beside its own paper, beside the same
letter's empty bubbles and beside the other marks of this sheet. What lies between is left to a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
import zxingcpp
from numpy.typing import NDArray

from exam_app.sheets.layout import HEIGHT, MARK, MARKS, QR, VERSION, WIDTH, Page, Row, Size
from exam_app.sheets.marks import code_in, dictionary

Grey = NDArray[np.uint8]
Ink = NDArray[np.float32]

# Pixels a millimetre of the page laid flat.
SCALE = 8
# Of the sheet's usual darkness of a mark: this much is one, this little is none.
SURE, NONE = 0.55, 0.35
# Darkness (0 paper, 1 print) below which nothing is a mark, and below which a bubble is clean.
FAINT, CLEAN = 0.10, 0.045
# What a mark's darkness is taken to be where a sheet has too few marks to tell.
USUAL, FEWEST = 0.45, 4
# How far printed frames may lie from where they should be, in millimetres.
ASTRAY = 2.0


class Unreadable(Exception):
    """The picture is no page of an answer sheet, or too poor a one; says why and what to do."""


@dataclass(frozen=True)
class Flat:
    """A page laid flat: grey values, ink (0 paper, 1 print), and what its QR says."""

    grey: Grey
    ink: Ink
    code: str
    page: int


@dataclass(frozen=True)
class Reading:
    """What one question's bubbles say: labels filled in by line (`sub`), and why a person has to look."""

    filled: Mapping[str, tuple[str, ...]]
    doubt: str | None = None


def flatten(grey: Grey) -> Flat:
    """The page in a picture, upright and flat. `Unreadable` when its marks or its QR can't be found."""
    plane = _find(grey)
    size = (int(WIDTH * SCALE), int(HEIGHT * SCALE))
    flat = cv2.warpPerspective(grey, plane, size, flags=cv2.INTER_AREA, borderValue=255)
    code, page = _whose(flat, grey)
    return Flat(flat, _ink(flat), code, page)


@cache
def _detector() -> Any:
    chosen = cv2.aruco.DetectorParameters()
    chosen.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    chosen.adaptiveThreshWinSizeMax = 53
    chosen.minMarkerPerimeterRate = 0.02
    return cv2.aruco.ArucoDetector(dictionary(), chosen)


def _find(grey: Grey) -> NDArray[np.float64]:
    """The way from the picture to the flat page in pixels."""
    seen: list[NDArray[np.float32]] = []
    there: list[tuple[float, float]] = []
    corners, ids, _ = _detector().detectMarkers(grey)
    for four, number in zip(corners, [] if ids is None else ids.flatten(), strict=False):
        if number < len(MARKS):
            x, y = MARKS[number]
            seen.append(four.reshape(4, 2))
            there += [(x, y), (x + MARK, y), (x + MARK, y + MARK), (x, y + MARK)]
    if len(seen) < 3:
        raise Unreadable(
            f"纸边的六个方块只找到 {len(seen)} 个。请把整张答题卡拍进来,放平、不要有反光,再传一次"
        )
    goal = np.array(there, np.float32) * SCALE
    plane, inside = cv2.findHomography(np.concatenate(seen), goal, cv2.RANSAC, 1.5 * SCALE)
    if plane is None or int(inside.sum()) < 10:
        raise Unreadable("纸面弯得太厉害,对不准位置。请放平后再拍一次")
    return np.asarray(plane, np.float64)


def _whose(flat: Grey, grey: Grey) -> tuple[str, int]:
    x, y, side = (int(v * SCALE) for v in QR)
    rim = 4 * SCALE
    part = flat[max(y - rim, 0) : y + side + rim, x - rim : x + side + rim]
    for picture in (part, cv2.GaussianBlur(part, (0, 0), 1.5), grey):
        for found in zxingcpp.read_barcodes(picture):
            told = code_in(found.text)
            if told is None:
                continue
            version, code, page = told
            if version != VERSION:
                raise Unreadable("这张答题卡是用别的版式印的,不能自动读。请在“手工录入”里录")
            return code, page
    raise Unreadable("右上角的二维码读不出来。请拍清楚再传一次,或按卡上的编号手工录入")


def _ink(flat: Grey) -> Ink:
    """How dark each pixel is beside the paper around it; the printed marks are 1."""
    small = cv2.resize(flat, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    paper = cv2.medianBlur(cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((19, 19))), 9)
    around = cv2.resize(paper, flat.shape[::-1], interpolation=cv2.INTER_LINEAR)
    ink = 1 - flat.astype(np.float32) / np.maximum(around.astype(np.float32), 1)
    np.clip(ink, 0, 1, out=ink)
    return (ink / max(_black(ink), 0.3)).astype(np.float32)


def _black(ink: Ink) -> float:
    """The darkness of print: of the rims of the square marks."""
    side, rim = int(MARK * SCALE), int(MARK * SCALE / 6)
    found = []
    for x, y in MARKS:
        left, top = int(x * SCALE), int(y * SCALE)
        strip = ink[top + 4 : top + rim - 4, left + 4 : left + side - 4]
        if strip.size:
            found.append(float(np.median(strip)))
    return float(np.median(found))


def read_bubbles(flat: Flat, page: Page, size: Size, several: set[str]) -> dict[str, Reading]:
    """Slot to what is filled in. `several`: slots where any number of bubbles may be filled in."""
    shifts = _shifts(flat.ink, page.rows, size)
    dark = {
        (row, b.label): _darkness(flat.ink, b.x + dx, b.y + dy, size)
        for row, (dx, dy) in zip(page.rows, shifts, strict=True)
        for b in row.bubbles
    }
    empty: dict[str, list[float]] = {}
    for (_, label), value in dark.items():
        empty.setdefault(label, []).append(value)
    print_of = {label: float(np.percentile(values, 20)) for label, values in empty.items()}
    # A label that is nearly always filled in has no empty bubble of its own to show.
    least = float(np.median(list(print_of.values()))) if print_of else 0.0
    extra = {
        key: value - min(print_of[key[1]], least + CLEAN) for key, value in dark.items()
    }
    usual = _usual(page.rows, extra)
    lines: dict[str, list[tuple[Row, str | None, tuple[str, ...]]]] = {}
    for row in page.rows:
        values = {b.label: extra[row, b.label] for b in row.bubbles}
        filled, doubt = _judge(values, usual, row.slot in several)
        lines.setdefault(row.slot, []).append((row, doubt, filled))
    return {slot: _reading(found, slot in several) for slot, found in lines.items()}


def _reading(found: Sequence[tuple[Row, str | None, tuple[str, ...]]], several: bool) -> Reading:
    filled: dict[str, tuple[str, ...]] = {}
    for row, _, labels in found:
        filled[row.sub] = filled.get(row.sub, ()) + labels
    doubts = [doubt for _, doubt, _ in found if doubt]
    if not several and any(len(labels) > 1 for labels in filled.values()):
        doubts.append("涂了不止一个")
    return Reading(filled, doubts[0] if doubts else None)


def _usual(rows: Sequence[Row], extra: Mapping[tuple[Row, str], float]) -> float:
    """The darkness of this sheet's marks."""
    tops = [max(extra[row, b.label] for b in row.bubbles) for row in rows]
    marks = [top for top in tops if top > FAINT]
    return float(np.median(marks)) if len(marks) >= FEWEST else USUAL


def _judge(
    values: Mapping[str, float], usual: float, several: bool
) -> tuple[tuple[str, ...], str | None]:
    """(labels filled in, why a person has to look) of one line."""
    sure = [k for k, v in values.items() if v >= max(SURE * usual, FAINT)]
    least = max(min(NONE * usual, FAINT * 2), CLEAN)
    between = [k for k, v in values.items() if k not in sure and v > least]
    if between:
        return tuple(sure), f"{'、'.join(between)} 涂得淡或没擦干净"
    if len(sure) > 1 and not several:
        return tuple(sure), "涂了不止一个"
    if not sure and max(values.values()) > CLEAN:
        return (), "没有涂,但有擦过或很淡的痕迹"
    return tuple(sure), None


def _darkness(ink: Ink, x: float, y: float, size: Size) -> float:
    """Mean ink within a bubble's frame, centre at (x, y) mm."""
    half_w, half_h = size.bubble[0] / 2 - 0.55, size.bubble[1] / 2 - 0.55
    left, right = round((x - half_w) * SCALE), round((x + half_w) * SCALE)
    top, bottom = round((y - half_h) * SCALE), round((y + half_h) * SCALE)
    return float(ink[top:bottom, left:right].mean())


BLOCK = 4


def _shifts(ink: Ink, rows: Sequence[Row], size: Size) -> list[tuple[float, float]]:
    """For each row how far (mm) its printed frames lie from where they should be: found for some rows of
    a column together, by the frames alone, so that what is filled in doesn't pull."""
    shifts: dict[Row, tuple[float, float]] = {}
    columns: dict[float, list[Row]] = {}
    for row in rows:
        columns.setdefault(row.x, []).append(row)
    for column in columns.values():
        for n in range(0, len(column), BLOCK):
            some = column[n : n + BLOCK]
            shift = _shift(ink, some, size)
            shifts.update({row: shift for row in some})
    return [shifts[row] for row in rows]


def _shift(ink: Ink, rows: Sequence[Row], size: Size) -> tuple[float, float]:
    bubbles = [b for row in rows for b in row.bubbles]
    w, h = size.bubble
    left, right = min(b.x for b in bubbles) - w, max(b.x for b in bubbles) + w
    top, bottom = min(b.y for b in bubbles) - h, max(b.y for b in bubbles) + h
    frame = np.zeros((round((bottom - top) * SCALE), round((right - left) * SCALE)), np.float32)
    for b in bubbles:
        one = (round((b.x - w / 2 - left) * SCALE), round((b.y - h / 2 - top) * SCALE))
        two = (round((b.x + w / 2 - left) * SCALE), round((b.y + h / 2 - top) * SCALE))
        cv2.rectangle(frame, one, two, 1.0, 2)
    frame = cv2.GaussianBlur(frame, (0, 0), 1.0)
    rim = round(ASTRAY * SCALE)
    y, x = round(top * SCALE) - rim, round(left * SCALE) - rim
    part = np.minimum(ink[y : y + frame.shape[0] + 2 * rim, x : x + frame.shape[1] + 2 * rim], 0.5)
    score = cv2.matchTemplate(part, frame, cv2.TM_CCOEFF_NORMED)
    # Of two places that fit alike the nearer one.
    grid = np.hypot(*np.meshgrid(np.arange(-rim, rim + 1), np.arange(-rim, rim + 1)))
    at_y, at_x = np.unravel_index(int(np.argmax(score - 0.002 * grid)), score.shape)
    return (int(at_x) - rim) / SCALE, (int(at_y) - rim) / SCALE


def picture_of(flat: Flat, quality: int = 70) -> bytes:
    """The flat page as JPEG at 5 pixels a millimetre, to keep and to show."""
    small = cv2.resize(flat.grey, None, fx=5 / SCALE, fy=5 / SCALE, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
