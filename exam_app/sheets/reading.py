"""Optical mark recognition of an answer-sheet page: registration, identity, filled bubbles.

The page is located by its fiducial marks and rectified. Each block of bubble rows is then
registered to its printed frames, since paper bends. A bubble is judged by its darkness relative to
the paper around it, to the empty bubbles with the same letter, and to the other marks on the sheet.
Ambiguous bubbles are left for manual resolution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import zxingcpp
from numpy.typing import NDArray

from exam_app.core.lazy import LazyModule
from exam_app.sheets.layout import (
    HEIGHT,
    MARK,
    MARKS,
    QR,
    VERSION,
    WIDTH,
    Box,
    BubbleRow,
    Page,
    Size,
)
from exam_app.sheets.marks import code_in, dictionary

if TYPE_CHECKING:
    import cv2
else:
    cv2 = LazyModule("cv2")

Grey = NDArray[np.uint8]
Ink = NDArray[np.float32]

# Pixels per millimetre of the rectified page.
SCALE = 8
# Fractions of the sheet's usual mark darkness: at least SURE is a mark, at most NONE is none.
SURE, NONE = 0.55, 0.35
# Darkness (0 paper, 1 print): below FAINT nothing is a mark, up to CLEAN a bubble is clean.
FAINT, CLEAN = 0.10, 0.045
# Mean darkness of the letter printed in a bubble, on a clean print.
LETTER = {"对": 0.054, "错": 0.079, "A": 0.033, "B": 0.043, "C": 0.028, "D": 0.041, "E": 0.033}
LETTER |= {"1": 0.023, "2": 0.028, "3": 0.029, "4": 0.031, "5": 0.029}
A_LETTER = 0.033
# Assumed mark darkness of a sheet with fewer than MIN_MARKS marks.
USUAL, MIN_MARKS = 0.45, 4
# Darkness of a pen stroke, and the share of a box that must have it to count as written in.
WRITTEN, TRACE = 0.25, 0.002
# Search radius for the printed frames, in millimetres.
ASTRAY = 2.0
# Rows registered together; largest deviation (mm) of a block from the smooth surface; largest share
# of deviating blocks.
BLOCK, APART, MAX_APART = 4, 0.5, 0.34


class Unreadable(Exception):
    """The picture shows no readable answer-sheet page; the message says why and what to do."""


@dataclass(frozen=True)
class Flat:
    """A rectified page: grey values, darkness (0 paper, 1 print), and its QR's sheet code and page."""

    grey: Grey
    ink: Ink
    code: str
    page: int


@dataclass(frozen=True)
class Reading:
    """The filled bubbles of one slot: labels by row (`sub`), and why it needs manual resolution."""

    filled: Mapping[str, tuple[str, ...]]
    doubt: str | None = None


def flatten(grey: Grey, known: tuple[str, int] | None = None) -> Flat:
    """Rectifies the page in a picture. `known`: (code, page) when read off by a person.

    `Unreadable` when its fiducial marks or its QR can't be found.
    """
    plane = _homography(grey)
    size = (int(WIDTH * SCALE), int(HEIGHT * SCALE))
    warped = cv2.warpPerspective(grey, plane, size, flags=cv2.INTER_AREA, borderValue=255)
    flat = np.asarray(warped, np.uint8)
    code, page = known or _identity(flat, grey)
    return Flat(flat, _ink(flat), code, page)


@cache
def _detector() -> cv2.aruco.ArucoDetector:
    chosen = cv2.aruco.DetectorParameters()
    chosen.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    chosen.adaptiveThreshWinSizeMax = 53
    chosen.minMarkerPerimeterRate = 0.02
    return cv2.aruco.ArucoDetector(dictionary(), chosen)


def find_marks(grey: Grey) -> dict[int, NDArray[np.float32]]:
    """The fiducial marks in a picture: id to its four corners in pixels, clockwise from the top left."""
    corners, ids, _ = _detector().detectMarkers(grey)
    numbers = [] if ids is None else [int(number) for number in ids.flatten()]
    return {
        number: np.asarray(four, np.float32).reshape(4, 2)
        for number, four in zip(numbers, corners, strict=True)
        if number < len(MARKS)
    }


def _homography(grey: Grey) -> NDArray[np.float64]:
    """The homography from the picture to the rectified page, in pixels."""
    corners_seen: list[NDArray[np.float32]] = []
    corners_flat: list[tuple[float, float]] = []
    for number, corners in find_marks(grey).items():
        x, y = MARKS[number]
        corners_seen.append(corners)
        corners_flat += [(x, y), (x + MARK, y), (x + MARK, y + MARK), (x, y + MARK)]
    if len(corners_seen) < 3:
        raise Unreadable(
            f"纸边的六个方块只找到 {len(corners_seen)} 个。请把整张答题卡拍进来，放平、不要有反光，再传一次"
        )
    target = np.array(corners_flat, np.float32) * SCALE
    plane, inside = cv2.findHomography(
        np.concatenate(corners_seen), target, cv2.RANSAC, 1.5 * SCALE
    )
    if plane is None or int(inside.sum()) < 10:
        raise Unreadable("纸面弯得太厉害，对不准位置。请放平后再拍一次")
    return np.asarray(plane, np.float64)


def _identity(flat: Grey, grey: Grey) -> tuple[str, int]:
    x, y, side = (int(v * SCALE) for v in QR)
    rim = 4 * SCALE
    part = flat[max(y - rim, 0) : y + side + rim, x - rim : x + side + rim]
    for picture in (part, cv2.GaussianBlur(part, (0, 0), 1.5), grey):
        for barcode in zxingcpp.read_barcodes(picture):
            parts = code_in(barcode.text)
            if parts is None:
                continue
            version, code, page = parts
            if version != VERSION:
                raise Unreadable("这张答题卡是用别的版式印的，不能自动读。请在“手工录入”里录")
            return code, page
    raise Unreadable("右上角的二维码读不出来。请拍清楚再传一次，或按卡上的编号手工录入")


def _ink(flat: Grey) -> Ink:
    """The darkness of each pixel relative to the paper around it, scaled so that print is 1."""
    small = cv2.resize(flat, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    paper = cv2.medianBlur(cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((19, 19))), 9)
    around = cv2.resize(paper, flat.shape[::-1], interpolation=cv2.INTER_LINEAR)
    light = flat.astype(np.float32) / np.maximum(around.astype(np.float32), 1)
    ink = np.clip(1 - light, 0, 1).astype(np.float32)
    return (ink / max(_black(ink), 0.3)).astype(np.float32)


def _black(ink: Ink) -> float:
    """The darkness of print, measured on the borders of the fiducial marks."""
    side, rim = int(MARK * SCALE), int(MARK * SCALE / 6)
    medians = []
    for x, y in MARKS:
        left, top = int(x * SCALE), int(y * SCALE)
        border = ink[top + 4 : top + rim - 4, left + 4 : left + side - 4]
        if border.size:
            medians.append(float(np.median(border)))
    return float(np.median(medians))


def read_bubbles(flat: Flat, page: Page, size: Size, *, several: set[str]) -> dict[str, Reading]:
    """Slot to its reading. `several`: slots where any number of bubbles may be filled in."""
    shifts = _shifts(flat.ink, page.rows, size)
    dark = {
        (row, b.label): _darkness(flat.ink, b.x + dx, b.y + dy, size=size)
        for row, (dx, dy) in zip(page.rows, shifts, strict=True)
        for b in row.bubbles
    }
    above_letter = {key: value - LETTER.get(key[1], A_LETTER) for key, value in dark.items()}
    # Most bubbles are empty: their darkness beyond the letter is this picture's haze.
    haze = float(np.percentile(list(above_letter.values()), 20)) if above_letter else 0.0
    extra = {key: value - haze for key, value in above_letter.items()}
    usual = _usual(page.rows, extra)
    lines: dict[str, list[tuple[BubbleRow, str | None, tuple[str, ...]]]] = {}
    for row in page.rows:
        values = {b.label: extra[row, b.label] for b in row.bubbles}
        filled, doubt = _judge(values, usual, row.slot in several)
        lines.setdefault(row.slot, []).append((row, doubt, filled))
    return {slot: _reading(slot_rows, slot in several) for slot, slot_rows in lines.items()}


def _reading(
    rows: Sequence[tuple[BubbleRow, str | None, tuple[str, ...]]], several: bool
) -> Reading:
    filled: dict[str, tuple[str, ...]] = {}
    for line, _, labels in rows:
        filled[line.sub] = filled.get(line.sub, ()) + labels
    doubts = [doubt for _, doubt, _ in rows if doubt]
    if not several and any(len(labels) > 1 for labels in filled.values()):
        doubts.append("涂了不止一个")
    return Reading(filled, doubts[0] if doubts else None)


def _usual(rows: Sequence[BubbleRow], extra: Mapping[tuple[BubbleRow, str], float]) -> float:
    """The usual darkness of marks on this sheet."""
    tops = [max(extra[row, b.label] for b in row.bubbles) for row in rows]
    marks = [top for top in tops if top > FAINT]
    return float(np.median(marks)) if len(marks) >= MIN_MARKS else USUAL


def _judge(
    values: Mapping[str, float], usual: float, several: bool
) -> tuple[tuple[str, ...], str | None]:
    """(labels filled in, reason for manual resolution) of one row."""
    sure = [k for k, v in values.items() if v >= max(SURE * usual, FAINT)]
    least = max(min(NONE * usual, FAINT * 2), CLEAN)
    ambiguous = [k for k, v in values.items() if k not in sure and v > least]
    if ambiguous:
        return tuple(sure), f"{'、'.join(ambiguous)} 涂得淡或没擦干净"
    if len(sure) > 1 and not several:
        return tuple(sure), "涂了不止一个"
    if not sure and max(values.values()) > CLEAN:
        return (), "没有涂，但有擦过或很淡的痕迹"
    return tuple(sure), None


def _darkness(ink: Ink, x: float, y: float, *, size: Size) -> float:
    """Mean darkness inside a bubble's frame, centre at (x, y) mm."""
    half_w, half_h = size.bubble[0] / 2 - 0.55, size.bubble[1] / 2 - 0.55
    left, right = round((x - half_w) * SCALE), round((x + half_w) * SCALE)
    top, bottom = round((y - half_h) * SCALE), round((y + half_h) * SCALE)
    return float(ink[top:bottom, left:right].mean())


def _shifts(ink: Ink, rows: Sequence[BubbleRow], size: Size) -> list[tuple[float, float]]:
    """The offset (mm) of each row's printed frames from their nominal position.

    Rows are registered in blocks, by the frames alone, so that filled bubbles don't bias the match.
    """
    blocks = _blocks(rows, size)
    measured = np.array([_shift(ink, block, size) for block in blocks], np.float64).reshape(-1, 2)
    middles = np.array(
        [(block[0].x, (block[0].y + block[-1].y) / 2) for block in blocks], np.float64
    ).reshape(-1, 2)
    smooth = _smooth(middles, measured)
    # Paper bends smoothly: a block that deviates from the surface was matched to something else.
    outliers = np.hypot(*(measured - smooth).T) > APART
    if len(blocks) and outliers.mean() > MAX_APART:
        raise Unreadable("纸面弯得太厉害或拍得太糊，对不准格子。请放平、拍清楚再传一次")
    measured[outliers] = smooth[outliers]
    shifts = {
        row: (float(dx), float(dy))
        for block, (dx, dy) in zip(blocks, measured, strict=True)
        for row in block
    }
    return [shifts[row] for row in rows]


def _blocks(rows: Sequence[BubbleRow], size: Size) -> list[list[BubbleRow]]:
    """Blocks of up to `BLOCK` rows directly below each other."""
    blocks: list[list[BubbleRow]] = []
    for row in rows:
        last = blocks[-1] if blocks else []
        follows = last and last[-1].x == row.x and abs(row.y - last[-1].y - size.row) < 0.1
        if follows and len(last) < BLOCK:
            last.append(row)
        else:
            blocks.append([row])
    return blocks


def _smooth(centres: NDArray[np.float64], shifts: NDArray[np.float64]) -> NDArray[np.float64]:
    """The shifts evaluated on a smooth surface fitted through them, outliers excluded.

    With fewer than 12 blocks it is one shift for all.
    """
    if len(centres) == 0:
        return shifts
    x, y = ((centres - np.array([WIDTH, HEIGHT]) / 2) / 100).T
    columns = [np.ones_like(x)]
    if len(x) >= 12:
        columns += [x, y, x * y, x**2, y**2]
    if len(x) >= 18:
        columns += [x**4, y**4]
    terms = np.stack(columns, 1)
    inliers = np.hypot(*(shifts - np.median(shifts, axis=0)).T) < 2 * APART
    for _ in range(3):
        if inliers.sum() < terms.shape[1]:
            break
        fit = np.linalg.lstsq(terms[inliers], shifts[inliers], rcond=None)[0]
        inliers = np.hypot(*(shifts - terms @ fit).T) < APART
    else:
        return np.asarray(terms @ fit, np.float64)
    return np.asarray(np.broadcast_to(np.median(shifts, axis=0), shifts.shape), np.float64)


def _shift(ink: Ink, rows: Sequence[BubbleRow], size: Size) -> tuple[float, float]:
    bubbles = [b for row in rows for b in row.bubbles]
    w, h = size.bubble
    left, right = min(b.x for b in bubbles) - w, max(b.x for b in bubbles) + w
    top, bottom = min(b.y for b in bubbles) - h, max(b.y for b in bubbles) + h
    frame = np.zeros((round((bottom - top) * SCALE), round((right - left) * SCALE)), np.float32)
    for b in bubbles:
        top_left = (round((b.x - w / 2 - left) * SCALE), round((b.y - h / 2 - top) * SCALE))
        bottom_right = (round((b.x + w / 2 - left) * SCALE), round((b.y + h / 2 - top) * SCALE))
        cv2.rectangle(frame, top_left, bottom_right, 1.0, 2)
    frame = np.asarray(cv2.GaussianBlur(frame, (0, 0), 1.0), np.float32)
    rim = round(ASTRAY * SCALE)
    y, x = round(top * SCALE) - rim, round(left * SCALE) - rim
    part = np.minimum(ink[y : y + frame.shape[0] + 2 * rim, x : x + frame.shape[1] + 2 * rim], 0.5)
    score = cv2.matchTemplate(part, frame, cv2.TM_CCOEFF_NORMED)
    # Prefer the nearer of two equally good matches.
    grid = np.hypot(*np.meshgrid(np.arange(-rim, rim + 1), np.arange(-rim, rim + 1)))
    at_y, at_x = np.unravel_index(int(np.argmax(score - 0.002 * grid)), score.shape)
    return (int(at_x) - rim) / SCALE, (int(at_y) - rim) / SCALE


def is_blank(flat: Flat, box: Box) -> bool:
    """Whether nothing is written in a box."""
    rim = 1.5
    left, right = round((box.x + rim) * SCALE), round((box.x + box.width - rim) * SCALE)
    top, bottom = round((box.y + rim) * SCALE), round((box.y + box.height - rim) * SCALE)
    return float((flat.ink[top:bottom, left:right] > WRITTEN).mean()) < TRACE
