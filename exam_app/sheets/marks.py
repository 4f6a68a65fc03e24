"""The machine-readable parts of a sheet: fiducial marks and QR text."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

import numpy as np

from exam_app.core.lazy import LazyModule
from exam_app.sheets.layout import MARKS, VERSION
from training_records.certificates.service import ALPHABET

if TYPE_CHECKING:
    import cv2
else:
    cv2 = LazyModule("cv2")

LENGTH = 10
_QR_TEXT = re.compile(rf"CDA(\d)-([{ALPHABET}]{{{LENGTH}}})-(\d{{1,2}})")


def new_code() -> str:
    """A sheet's code: 49 random bits, so that another person's sheet can't be forged."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def qr_text(code: str, page: int) -> str:
    """The QR text of a page: layout version, sheet code, page; no personal data."""
    return f"CDA{VERSION}-{code}-{page}"


def code_in(text: str) -> tuple[int, str, int] | None:
    """(layout version, code, page) from a QR text; None when it isn't a sheet's."""
    match = _QR_TEXT.fullmatch(text)
    return (int(match[1]), match[2], int(match[3])) if match else None


def dictionary() -> cv2.aruco.Dictionary:
    """The ArUco dictionary: few markers with a large Hamming distance."""
    return cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)


def mark_bits() -> list[list[list[bool]]]:
    """The markers as 6 × 6 cells, true = black, border included."""
    family = dictionary()
    return [
        (cv2.aruco.generateImageMarker(family, n, 6) < 128).astype(np.bool_).tolist()
        for n in range(len(MARKS))
    ]
