"""Files that come from a scanner."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfWriter

from exam_app.sheets.pictures import count_pages
from tests.paper import as_pdf
from training_records.errors import Refused


def tiff(pages: int) -> bytes:
    frames = [Image.new("L", (200, 300), 255) for _ in range(pages)]
    out = io.BytesIO()
    frames[0].save(out, "TIFF", save_all=True, append_images=frames[1:])
    return out.getvalue()


def locked_pdf() -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    writer.encrypt("secret")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_pages_are_counted() -> None:
    assert count_pages(tiff(3)) == 3
    assert count_pages(as_pdf([np.full((300, 200), 255, np.uint8)] * 2)) == 2


def test_a_locked_pdf_and_a_giant_picture() -> None:
    with pytest.raises(Refused, match="打不开"):
        count_pages(locked_pdf())
    out = io.BytesIO()
    Image.new("1", (20000, 20000)).save(out, "PNG")
    with pytest.raises(Refused):
        count_pages(out.getvalue())
