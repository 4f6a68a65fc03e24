"""Shared by the XML formats: parsing with defusedxml, and the check for control characters."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from question_bank.formats.exchange import Unrepresentable

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def parse(data: bytes) -> Element:
    """Parses a document and returns its root. Raises `Unrepresentable`, also for a DTD."""
    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Unrepresentable(f"不是能读的 XML：{type(error).__name__}") from None
    return root


def clean(text: str) -> str:
    """Returns `text` unchanged. Raises `Unrepresentable` for characters that XML can't represent."""
    if _CONTROL.search(text):
        raise Unrepresentable("文字里有 XML 不允许的控制字符")
    return text
