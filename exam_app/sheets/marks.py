"""What a sheet is known by: the square marks at its edges and the text of its QR."""

from __future__ import annotations

import re
import secrets

import cv2
import numpy as np

from exam_app.sheets.layout import MARKS, VERSION
from training_records.certificates.service import ALPHABET

LENGTH = 10
_TOLD = re.compile(rf"CDA(\d)-([{ALPHABET}]{{{LENGTH}}})-(\d{{1,2}})")


def new_code() -> str:
    """A sheet's code: 49 random bits, so that nobody can make up another person's sheet."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def qr_text(code: str, page: int) -> str:
    """The QR of a page: layout, sheet, page; nothing about the person."""
    return f"CDA{VERSION}-{code}-{page}"


def code_in(text: str) -> tuple[int, str, int] | None:
    """(layout, code, page) of a QR's text; None when it is none of ours."""
    found = _TOLD.fullmatch(text)
    return (int(found[1]), found[2], int(found[3])) if found else None


def dictionary() -> cv2.aruco.Dictionary:
    """The family of square marks: few and far apart."""
    return cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)


def mark_bits() -> list[list[list[bool]]]:
    """The marks as 6 × 6 squares, true = black, the rim included."""
    family = dictionary()
    return [
        (cv2.aruco.generateImageMarker(family, n, 6) < 128).astype(np.bool_).tolist()
        for n in range(len(MARKS))
    ]
