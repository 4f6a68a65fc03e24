"""Simulated answer sheets: printed, filled in with a pencil, then scanned or photographed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import pypdfium2
from numpy.typing import NDArray

from exam_app.sheets.layout import HEIGHT, WIDTH, Bubble, Page, Size
from exam_app.sheets.reading import Grey

# Pixels per millimetre of the clean print, about 250 dpi.
PRINT = 10


Truth = Mapping[tuple[str, str], tuple[str, ...]]


@dataclass(frozen=True)
class Hand:
    """How one examinee marks bubbles.

    `dark`: darkness of the pencil (0 to 1). `cover`: range of the share of a bubble that is filled.
    `erased`: probability that a row has an erased mark. `stays`: range of the share of its darkness
    that an erased mark keeps.
    """

    dark: float
    cover: tuple[float, float] = (0.75, 1.0)
    erased: float = 0.06
    stays: tuple[float, float] = (0.08, 0.28)


@dataclass(frozen=True)
class Camera:
    """How one page is captured: `turn` (degrees), `perspective` (share of the width that a corner moves),
    `bend` (mm), `shadow` (share of the light), `blur` (mm), `noise` (grey levels), JPEG `quality`,
    `scale` (pixels per millimetre)."""

    turn: float = 0.0
    perspective: float = 0.0
    bend: float = 0.0
    shadow: float = 0.0
    blur: float = 0.05
    noise: float = 3.0
    quality: int = 85
    scale: float = 6.0
    upside_down: bool = False


def a_hand(rng: np.random.Generator) -> Hand:
    """A random examinee; a third of the pencils are pale."""
    pale = rng.random() < 0.33
    return Hand(float(rng.uniform(0.2, 0.36) if pale else rng.uniform(0.42, 0.85)))


def a_camera(rng: np.random.Generator) -> Camera:
    """A random capture: half by a scanner, half by a phone."""
    turn, quality = float(rng.uniform(-5, 5)), int(rng.integers(60, 92))
    if rng.random() < 0.5:
        scale = float(rng.choice([5.0, 5.9, 7.9]))
        noise = float(rng.uniform(1, 6))
        return Camera(
            turn,
            0.0,
            0.0,
            float(rng.uniform(0, 0.08)),
            0.06,
            noise,
            quality,
            scale,
            rng.random() < 0.2,
        )
    return Camera(
        turn,
        float(rng.uniform(0.01, 0.07)),
        float(rng.uniform(0, 2.5)),
        float(rng.uniform(0.15, 0.5)),
        float(rng.uniform(0.05, 0.16)),
        float(rng.uniform(3, 12)),
        quality,
        float(rng.uniform(6.5, 11)),
    )


def clean_print(pdf: bytes) -> list[Grey]:
    """Renders the pages of a PDF as greyscale images, `PRINT` pixels per millimetre."""
    document = pypdfium2.PdfDocument(pdf)
    pages = [
        page.render(scale=PRINT * 25.4 / 72, grayscale=True).to_numpy().reshape(-1, _width(page))
        for page in document
    ]
    document.close()
    return pages


def _width(page: pypdfium2.PdfPage) -> int:
    return int(np.ceil(page.get_width() * PRINT * 25.4 / 72))


def fill_in(
    paper: Grey, page: Page, truth: Truth, *, size: Size, hand: Hand, rng: np.random.Generator
) -> Grey:
    """The page with the marks of `truth`, and some erased marks."""
    ink = np.zeros(paper.shape, np.float32)
    for row in page.rows:
        labels = truth.get((row.slot, row.sub), ())
        spare = [b for b in row.bubbles if b.label not in labels]
        if labels and spare and rng.random() < hand.erased:
            wrong = spare[int(rng.integers(len(spare)))]
            _smudge(ink, wrong, size, hand=hand, rng=rng)
        for b in row.bubbles:
            if b.label in labels:
                _hatch(
                    ink,
                    b,
                    size,
                    dark=hand.dark * float(rng.uniform(0.85, 1.1)),
                    cover=hand.cover,
                    rng=rng,
                )
    filled: Grey = np.clip(paper * (1 - np.clip(ink, 0, 0.95)), 0, 255).astype(np.uint8)
    return filled


def _hatch(
    ink: NDArray[np.float32],
    b: Bubble,
    size: Size,
    *,
    dark: float,
    cover: tuple[float, float],
    rng: np.random.Generator,
) -> None:
    """Draws slightly crooked strokes back and forth over part of a bubble."""
    w, h = size.bubble[0] * PRINT, size.bubble[1] * PRINT
    x, y = b.x * PRINT + rng.normal(0, 0.2 * PRINT), b.y * PRINT + rng.normal(0, 0.2 * PRINT)
    share = rng.uniform(*cover)
    w, h = w * np.sqrt(share), h * np.sqrt(share) * rng.uniform(0.95, 1.1)
    pad = int(2 * PRINT)
    left, top = int(x - w / 2) - pad, int(y - h / 2) - pad
    part = np.zeros((int(h) + 2 * pad, int(w) + 2 * pad), np.float32)
    slant, lines = rng.uniform(-0.3, 0.3), int(h / (0.45 * PRINT)) + 1
    for n in range(lines):
        at = pad + h * (n + 0.5) / lines + rng.normal(0, 0.08 * PRINT)
        start = (int(pad + rng.normal(0, 0.25 * PRINT)), int(at - slant * h / 2))
        end = (int(pad + w + rng.normal(0, 0.25 * PRINT)), int(at + slant * h / 2))
        stroke = np.zeros_like(part)
        cv2.line(stroke, start, end, float(dark * rng.uniform(0.8, 1.1)), int(0.6 * PRINT))
        part = np.maximum(part, stroke)
    part = np.asarray(cv2.GaussianBlur(part, (0, 0), 0.12 * PRINT), np.float32)
    # Paper grain.
    part *= rng.uniform(0.7, 1.15, part.shape).astype(np.float32)
    _lay_on(ink, part, left, top=top)


def _smudge(
    ink: NDArray[np.float32], b: Bubble, size: Size, *, hand: Hand, rng: np.random.Generator
) -> None:
    """Draws what an eraser leaves: a pale residue of the mark, smeared."""
    part = np.zeros_like(ink)
    residue = hand.dark * float(rng.uniform(*hand.stays))
    _hatch(part, b, size, dark=residue, cover=hand.cover, rng=rng)
    ink += cv2.GaussianBlur(part, (0, 0), 0.5 * PRINT)


def _lay_on(ink: NDArray[np.float32], part: NDArray[np.float32], left: int, *, top: int) -> None:
    view = ink[top : top + part.shape[0], left : left + part.shape[1]]
    np.maximum(view, part[: view.shape[0], : view.shape[1]], out=view)


def take(paper: Grey, camera: Camera, rng: np.random.Generator) -> Grey:
    """The page as captured by a scanner or a phone."""
    rim = 0.12
    s = camera.scale
    size = (int(WIDTH * s * (1 + 2 * rim)), int(HEIGHT * s * (1 + 2 * rim)))
    corners = np.array([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]], np.float64)
    middle = corners.mean(0)
    angle = np.radians(camera.turn + (180 if camera.upside_down else 0))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    projected = (corners - middle) @ turn.T
    projected += rng.uniform(-1, 1, projected.shape) * camera.perspective * WIDTH
    projected = (projected + middle + np.array([WIDTH, HEIGHT]) * rim) * s
    plane = cv2.getPerspectiveTransform(
        projected.astype(np.float32), (corners * PRINT).astype(np.float32)
    )
    xs, ys = np.meshgrid(np.arange(size[0], dtype=np.float32), np.arange(size[1], dtype=np.float32))
    depth = plane[2, 0] * xs + plane[2, 1] * ys + plane[2, 2]
    from_x = (plane[0, 0] * xs + plane[0, 1] * ys + plane[0, 2]) / depth
    from_y = (plane[1, 0] * xs + plane[1, 1] * ys + plane[1, 2]) / depth
    if camera.bend:
        from_y += camera.bend * PRINT * np.sin(np.pi * from_x / (WIDTH * PRINT)) ** 2
        from_x += 0.4 * camera.bend * PRINT * np.sin(np.pi * from_y / (HEIGHT * PRINT)) ** 2
    sharp = cv2.GaussianBlur(paper, (0, 0), max(PRINT / s * 0.4, 0.3))
    table = int(rng.uniform(40, 200)) if camera.perspective else 255
    seen = cv2.remap(
        sharp,
        from_x.astype(np.float32),
        from_y.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=table,
    ).astype(np.float32)
    seen = np.asarray(cv2.GaussianBlur(seen, (0, 0), max(camera.blur * s, 0.2)), np.float32)
    # Uneven light, and the edge of a shadow (of a hand or the phone).
    across = xs / size[0] * np.cos(angle * 7) + ys / size[1] * np.sin(angle * 7)
    light = 1 - camera.shadow * 0.6 * (across - across.min()) / np.ptp(across)
    edge = 1 / (1 + np.exp(-(xs / size[0] + 0.3 * ys / size[1] - rng.uniform(0.3, 1.0)) * 25))
    light *= 1 - camera.shadow * 0.5 * edge
    seen = seen * light * rng.uniform(0.85, 1.0) + rng.normal(0, camera.noise, seen.shape)
    grey = np.clip(seen, 0, 255).astype(np.uint8)
    encoded = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, camera.quality])[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), np.uint8)
