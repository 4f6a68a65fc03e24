"""Scans as greyscale images, page by page, from PDF, JPEG, PNG, TIFF or WebP."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from exam_app.core.lazy import LazyModule
from exam_app.sheets.reading import SCALE, Grey
from training_records.errors import Refused

if TYPE_CHECKING:
    import cv2
    import pypdfium2
else:
    cv2 = LazyModule("cv2")
    pypdfium2 = LazyModule("pypdfium2")

MAX_PAGES = 1000
# Longest side of an image passed to the reader; most pixels of one that is decoded at all.
LONGEST, MAX_PIXELS = 4000, 120_000_000
KINDS = ("JPEG", "PNG", "TIFF", "WEBP")
# PDFium is not thread-safe.
_PDFIUM = threading.Lock()


def count_pages(data: bytes) -> int:
    """The number of pages of a file. `Refused` (Chinese) when it can't be read."""
    try:
        if data[:5] == b"%PDF-":
            with _PDFIUM:
                document = pypdfium2.PdfDocument(data)
                pages = len(document)
                document.close()
        else:
            with Image.open(io.BytesIO(data), formats=KINDS) as image:
                pages = _frames(image)
                if image.width * image.height > MAX_PIXELS:
                    raise Refused("图片太大（超过 1.2 亿像素），请用 200 到 300 dpi 扫描")
    except (pypdfium2.PdfiumError, UnidentifiedImageError, OSError, Image.DecompressionBombError):
        raise Refused(
            "打不开这个文件。请传 PDF、JPG、PNG 或 TIFF；苹果手机的 HEIC 照片先转成 JPG"
        ) from None
    if not 1 <= pages <= MAX_PAGES:
        raise Refused(f"一个文件要有 1 到 {MAX_PAGES} 页，这个有 {pages} 页")
    return pages


def _frames(image: Image.Image) -> int:
    # Only TIFF frames are pages; other formats hold previews or animations.
    return int(getattr(image, "n_frames", 1)) if image.format == "TIFF" else 1


def pictures(data: bytes, first: int = 0) -> Iterator[Grey | None]:
    """The pages from index `first` (0-based) on; None for a page that can't be decoded."""
    if data[:5] == b"%PDF-":
        yield from _of_pdf(data, first)
    else:
        yield from _of_image(data, first)


def _of_pdf(data: bytes, first: int) -> Iterator[Grey | None]:
    with _PDFIUM:
        document = pypdfium2.PdfDocument(data)
        pages = len(document)
    try:
        for number in range(first, pages):
            with _PDFIUM:
                grey = _page(document, number)
            yield grey
    finally:
        with _PDFIUM:
            document.close()


def _page(document: pypdfium2.PdfDocument, number: int) -> Grey | None:
    try:
        page = document[number]
        # A4 at the reader's own resolution; other sizes are scaled to the same longest side.
        longest = 297 * SCALE / max(page.get_width(), page.get_height())
        bitmap = page.render(scale=longest, grayscale=True)
        grey = np.ascontiguousarray(bitmap.to_numpy().reshape(bitmap.height, -1)[:, : bitmap.width])
        page.close()
    except (pypdfium2.PdfiumError, ValueError, MemoryError):
        return None
    return np.asarray(grey, np.uint8)


def _of_image(data: bytes, first: int) -> Iterator[Grey | None]:
    with Image.open(io.BytesIO(data), formats=KINDS) as image:
        for number in range(first, _frames(image)):
            try:
                image.seek(number)
                if image.width * image.height > MAX_PIXELS:
                    yield None
                    continue
                upright = ImageOps.exif_transpose(image).convert("L")
            except (OSError, ValueError, SyntaxError, EOFError, MemoryError):
                yield None
                continue
            upright.thumbnail((LONGEST, LONGEST))
            yield np.asarray(upright, np.uint8)


def small_jpeg(grey: Grey, longest: int = 2000, quality: int = 70) -> bytes:
    """An image as JPEG for storage and display, scaled down to `longest` pixels."""
    scale = min(longest / max(grey.shape), 1.0)
    if scale < 1:
        grey = np.asarray(
            cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
        )
    return bytes(cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())


def unpacked(jpeg: bytes) -> Grey:
    """A stored image in greyscale. `Refused` when it can't be decoded."""
    grey = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE) if jpeg else None
    if grey is None:
        raise Refused("这一页的图打不开，请重新扫描后再传")
    return np.asarray(grey, np.uint8)
