"""What people type or paste, made plain: one way in for forms, JSON, imports, marking and search.

It stands in the lowest package, because marking needs it as much as the ledger and the pages do.
"""

from __future__ import annotations

import re
import unicodedata

# What nobody sees and nobody means: soft hyphens, zero-width characters, bidi marks, variation selectors, tags.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff"
)
# What Word, XML or PostgreSQL refuse: C0 and C1 controls, lone surrogates, noncharacters.
_REFUSED = (
    "\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(
        f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
    )
)
_DROPPED = re.compile(f"[{_INVISIBLE}{_REFUSED}]")
# A line break has many spellings; Word pastes U+000B for its soft one.
_BREAK = re.compile("\r\n?|[\u000b\u000c\u0085\u2028\u2029]")
_HALF_WIDTH = {
    full: full - 0xFEE0
    for first, last in ("09", "AZ", "az")
    for full in range(ord(first) + 0xFEE0, ord(last) + 0xFEE0 + 1)
}
# Copied from a PDF, 一 may come as the radical ⼀.
_RADICALS = {
    code: folded
    for code in range(0x2E80, 0x2FE0)
    if (folded := unicodedata.normalize("NFKC", chr(code))) != chr(code)
}
_FOLDED = _HALF_WIDTH | _RADICALS


def _range(first: int, last: int) -> str:
    return f"{chr(first)}-{chr(last)}"


def _marks() -> str:
    """The characters that are, or begin with, a combining mark when taken apart, as a class of a pattern."""
    codes = [
        code
        for code in range(0x300, 0x1F000)
        if unicodedata.combining(unicodedata.normalize("NFKD", chr(code))[0])
    ]
    starts = [code for at, code in enumerate(codes) if not at or codes[at - 1] != code - 1]
    ends = [
        code for at, code in enumerate(codes) if at + 1 == len(codes) or codes[at + 1] != code + 1
    ]
    return "".join(map(_range, starts, ends))


# Putting a run of marks in order takes quadratic time. No script needs more than thirty in a row (UAX 15).
_LONG_RUN = re.compile("([{0}]{{30}})[{0}]+".format(_marks()))


def clean(text: str) -> str:
    """Returns text without what can't be seen, line breaks as LF, full-width digits and letters as ASCII.

    Chinese punctuation stays as it is. Outer white space goes.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    text = _DROPPED.sub("", _BREAK.sub("\n", text)).translate(_FOLDED)
    text = unicodedata.normalize("NFC", _LONG_RUN.sub(r"\1", text))
    return _LONG_RUN.sub(r"\1", text).strip()


def clean_line(text: str) -> str:
    """Like `clean`, for a text of one line: every run of white space is one space."""
    return " ".join(clean(text).split())


def plain_width(text: str) -> str:
    """Like `clean_line`, with punctuation in half width too: for comparing and for codes, not for prose."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    return clean_line(unicodedata.normalize("NFKC", clean(text)))


DIGITS = {c: int(d) for c, d in zip("零〇一二两三四五六七八九", "001223456789", strict=True)}
_FORMAL = {c: d for d, c in enumerate("壹贰叁肆伍陆柒捌玖", 1)}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_LARGE = {"万": 10**4, "亿": 10**8}
_FORMAL_UNITS = str.maketrans("拾佰仟", "十百千")
_NUMERAL = re.compile(r"[零〇一二两三四五六七八九壹贰叁肆伍陆柒捌玖十百千万亿]+")
_DASHES = "\u002d\u2010-\u2015\u2212\ufe58\ufe63\uff0d\u30fc"
_DASH = re.compile(f"[{_DASHES}]")


def read_numeral(numeral: str) -> str:
    """Returns a Chinese numeral, in which ASCII digits may stand too (3万), in ASCII digits."""
    if not set(numeral) & (_UNITS.keys() | _LARGE.keys()):
        return "".join(str(_digit(c)) for c in numeral)
    total = section = current = 0
    for char in numeral:
        if char in _UNITS:
            section += (current or 1) * _UNITS[char]
            current = 0
        elif char in _LARGE:
            # 一亿二千万: what stood before a larger unit is multiplied too, what stood before 万 is not.
            below = section + current
            large = _LARGE[char]
            total = (total + below or 1) * large if total < large else total + (below or 1) * large
            section = current = 0
        elif char in DIGITS or char in _FORMAL:
            current = _digit(char)
        else:
            current = current * 10 + int(char)
    return str(total + section + current)


def _digit(char: str) -> int:
    return _FORMAL[char] if char in _FORMAL else DIGITS[char] if char in DIGITS else int(char)


def _composed(text: str) -> str:
    """What is left when something went from a clean text: a mark may have come to stand behind another letter."""
    return unicodedata.normalize("NFC", text)


def clean_number(text: str) -> str:
    """Returns a typed number in ASCII: width, spaces, thousands separators and Chinese numerals folded.

    What is no number comes back cleaned, for the caller to refuse.
    """
    folded = clean_line(text).translate(_FORMAL_UNITS)
    if _NUMERAL.fullmatch(folded):
        return read_numeral(folded)
    folded = _composed(plain_width(text).replace(" ", "").replace("。", ".").replace("−", "-"))
    return (
        folded.replace(",", "") if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", folded) else folded
    )


def clean_phone(text: str) -> str:
    """Returns a telephone number as digits where it is a mobile number written in one of the usual ways.

    Spaces, dashes, brackets, a country code (+86, 0086, 86) and a bracketed remark go. What is no mobile number comes
    back without spaces and dashes, for the caller to refuse.
    """
    folded = plain_width(text)
    folded = re.sub(r"\([^()0-9+]*\)$", "", folded)
    folded = _composed(re.sub(r"[\s.()]", "", _DASH.sub("", folded)))
    return re.sub(r"^(?:\+|00)?86(?=1[0-9]{10}$)", "", folded)


def clean_code(text: str) -> str:
    """Returns a short code in ASCII without spaces, whatever dash was typed: ０３—０７ is 03-07."""
    return _composed(re.sub(r"-+", "-", _DASH.sub("-", plain_width(text).replace(" ", ""))))


def clean_search(text: str) -> str:
    """Returns what is searched for: a telephone number as `clean_phone` has it, a Chinese name without spaces."""
    folded = plain_width(text)
    if re.fullmatch(r"[+0-9][0-9\s-]{3,}", phone := clean_phone(folded)):
        return phone
    return folded.replace(" ", "") if re.search(r"[一-鿿]", folded) else folded


def clean_certificate_number(text: str) -> str:
    """Returns a certificate number as it is printed, QD2026-XXXX-XXXX-XXXX, from what people make of it."""
    folded = _DASH.sub("", re.sub(r"[\s._·]", "", plain_width(text))).upper()
    match = re.fullmatch(r"([A-Z]{2,6}[0-9]{4})([0-9A-Z]{4})([0-9A-Z]{4})([0-9A-Z]{4})", folded)
    return "-".join(match.groups()) if match else plain_width(text).upper()
