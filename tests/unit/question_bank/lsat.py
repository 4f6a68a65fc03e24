"""Two published data sets of 1000 persons and five items each, as pattern frequencies.

LSAT section 6 and section 7: Bock & Lieberman, *Fitting a response model for n dichotomously scored
items*, Psychometrika 35 (1970), tables 1 and 2; frequencies for patterns 00000 to 11111.
"""

from __future__ import annotations

import numpy as np

LSAT6 = [3, 6, 2, 11, 1, 1, 3, 4, 1, 8, 0, 16, 0, 3, 2, 15, 10, 29, 14, 81, 3, 28, 15, 80, 16, 56]
LSAT6 += [21, 173, 11, 61, 28, 298]
LSAT7 = [
    12,
    19,
    1,
    7,
    3,
    19,
    3,
    17,
    10,
    5,
    3,
    7,
    7,
    23,
    8,
    28,
    7,
    39,
    11,
    34,
    14,
    51,
    15,
    90,
    6,
    25,
]
LSAT7 += [7, 35, 18, 136, 32, 308]


def matrix(frequencies: list[int]) -> np.ndarray:
    """Persons × items, 0 and 1."""
    patterns = [[(n >> (4 - j)) & 1 for j in range(5)] for n in range(32)]
    return np.repeat(np.array(patterns, dtype=np.float32), frequencies, axis=0)
