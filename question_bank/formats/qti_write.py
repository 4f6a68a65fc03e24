"""QTI 2.2 packages as they are written; `qti` reads them."""

from __future__ import annotations

import base64
import io
import re
import zipfile
from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from question_bank.formats.exchange import (
    Skipped,
    Unrepresentable,
    fractions_of,
    name_of,
    written,
)
from question_bank.formats.xml import clean
from question_bank.question import BLANK

ITEM = "http://www.imsglobal.org/xsd/imsqti_v2p2"
PACKAGE = "http://www.imsglobal.org/xsd/imscp_v1p1"
TEMPLATES = "http://www.imsglobal.org/question/qti_v2p2/rptemplates/"


def write(questions: Sequence[Any]) -> tuple[bytes, list[Skipped]]:
    """A zipped QTI 2.2 package with its manifest, and what it can't hold."""
    out = io.BytesIO()
    skipped: list[Skipped] = []
    manifest = Element("manifest", {"xmlns": PACKAGE, "identifier": "MANIFEST"})
    SubElement(manifest, "organizations")
    resources = SubElement(manifest, "resources")
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for number, question, (item, pictures) in written(questions, _item, skipped):
            name = f"items/{question.id}-{number}.xml"
            resource = SubElement(
                resources,
                "resource",
                {"identifier": f"R{number}", "type": "imsqti_item_xmlv2p2", "href": name},
            )
            SubElement(resource, "file", href=name)
            for picture, content in pictures.items():
                SubElement(resource, "file", href=f"items/{number}/{picture}")
                package.writestr(_entry(f"items/{number}/{picture}"), content)
            _place(item, str(number))
            package.writestr(_entry(name), tostring(item, encoding="utf-8", xml_declaration=True))
        text = tostring(manifest, encoding="utf-8", xml_declaration=True)
        package.writestr(_entry("imsmanifest.xml"), text)
    return out.getvalue(), skipped


def _item(question: Any) -> tuple[Element, dict[str, bytes]]:
    """A question's item, and its pictures by name."""
    item = item_element(question)
    try:
        return item, {n: base64.b64decode(c, validate=True) for n, c in question.files.items()}
    except ValueError:
        raise Unrepresentable("图片不是 base64") from None


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _place(item: Element, folder: str) -> None:
    for picture in item.iter("img"):
        picture.set("src", f"{folder}/{picture.get('src')}")


def item_element(question: Any) -> Element:
    """One question as an assessmentItem. Raises `Unrepresentable`."""
    if question.type not in _WRITERS:
        raise Unrepresentable("QTI 一题放不下案例的几个小题")
    item = Element(
        "assessmentItem",
        {
            "xmlns": ITEM,
            "identifier": question.id,
            "title": clean(name_of(question)),
            "adaptive": "false",
            "timeDependent": "false",
        },
    )
    if question.category:
        item.set("label", clean(question.category))
    if question.html:
        item.set("data-html", "true")
    body = Element("itemBody")
    _WRITERS[question.type](item, body, question)
    score = SubElement(item, "outcomeDeclaration", identifier="SCORE", cardinality="single")
    score.set("baseType", "float")
    item.append(body)
    weighted = bool(getattr(question, "weights", None)) or question.type == "fill"
    template = "map_response" if weighted else "match_correct"
    SubElement(item, "responseProcessing", template=TEMPLATES + template)
    for label, said in {**question.feedback, "GENERAL": question.explanation}.items():
        if said:
            node = SubElement(item, "modalFeedback", outcomeIdentifier="FEEDBACK")
            node.set("identifier", label)
            node.set("showHide", "show")
            _put(node, said, question)
    return item


def _put(node: Element, text: str, question: Any) -> None:
    """A text: plain ones as they are; HTML also kept word for word, so that nothing is lost."""
    clean(text)
    plain = re.sub(r"<[^>]+>", " ", text) if question.html else text
    node.text = plain
    if question.html or text != text.strip() or "\n" in text:
        node.set("data-text", text)
    for name in question.files:
        found = re.search(rf"<img[^>]*{re.escape(name)}[^>]*>", text)
        if found:
            alt = re.search(r'alt="([^"]*)"', found[0])
            SubElement(node, "img", src=name, alt=alt[1] if alt else "")


def _declare(
    item: Element, identifier: str, cardinality: str, kind: str, right: Sequence[str]
) -> Element:
    node = SubElement(item, "responseDeclaration", identifier=identifier, cardinality=cardinality)
    node.set("baseType", kind)
    correct = SubElement(node, "correctResponse")
    for value in right:
        SubElement(correct, "value").text = clean(value)
    return node


def _map(declaration: Element, shares: dict[str, float]) -> None:
    mapping = SubElement(declaration, "mapping", defaultValue="0")
    for key, value in shares.items():
        SubElement(mapping, "mapEntry", mapKey=clean(key), mappedValue=f"{value:.9g}")


def _stem(body: Element, question: Any) -> None:
    _put(SubElement(body, "div"), question.stem, question)


def _write_choice(item: Element, body: Element, question: Any) -> None:
    single = question.type == "single"
    right = [question.key] if single else list(question.key)
    declaration = _declare(
        item, "RESPONSE", "single" if single else "multiple", "identifier", right
    )
    if question.weights:
        _map(declaration, fractions_of(question))
    _stem(body, question)
    node = SubElement(body, "choiceInteraction", responseIdentifier="RESPONSE", shuffle="false")
    node.set("maxChoices", "1" if single else "0")
    for label, text in question.options.items():
        _put(SubElement(node, "simpleChoice", identifier=label), text, question)


def _write_true_false(item: Element, body: Element, question: Any) -> None:
    _declare(item, "RESPONSE", "single", "identifier", [str(question.key).lower()])
    _stem(body, question)
    node = SubElement(body, "choiceInteraction", responseIdentifier="RESPONSE", shuffle="false")
    node.set("maxChoices", "1")
    for label, text in (("true", "对"), ("false", "错")):
        SubElement(node, "simpleChoice", identifier=label).text = text


def _write_fill(item: Element, body: Element, question: Any) -> None:
    if any(question.ranges):
        raise Unrepresentable("QTI 的填空放不下数值范围")
    if question.html or question.files:
        raise Unrepresentable("带网页格式或图片的填空题写不成 QTI")
    text = clean(question.stem)
    pieces = text.split(BLANK)
    if len(pieces) != len(question.key) + 1 or text != text.strip() or "\n" in text:
        raise Unrepresentable("题干里的空和答案的空对不上，或题干分了行")
    for number, full in enumerate(question.key, start=1):
        declaration = _declare(item, f"RESPONSE{number}", "single", "string", full[:1])
        partly = question.credit[number - 1] if question.credit else {}
        _map(declaration, {**dict.fromkeys(full, 1.0), **partly})
    node = SubElement(body, "p")
    node.text = pieces[0]
    for number, piece in enumerate(pieces[1:], start=1):
        gap = SubElement(node, "textEntryInteraction", responseIdentifier=f"RESPONSE{number}")
        gap.tail = piece


def _write_order(item: Element, body: Element, question: Any) -> None:
    _declare(item, "RESPONSE", "ordered", "identifier", question.key)
    _stem(body, question)
    node = SubElement(body, "orderInteraction", responseIdentifier="RESPONSE", shuffle="false")
    for label, text in question.options.items():
        _put(SubElement(node, "simpleChoice", identifier=label), text, question)


def _write_match(item: Element, body: Element, question: Any) -> None:
    pairs = [f"L{k} R{question.key[k]}" for k in question.left]
    _declare(item, "RESPONSE", "multiple", "directedPair", pairs)
    _stem(body, question)
    node = SubElement(body, "matchInteraction", responseIdentifier="RESPONSE", shuffle="false")
    node.set("maxAssociations", str(len(question.left)))
    for mark, side in (("L", question.left), ("R", question.options)):
        group = SubElement(node, "simpleMatchSet")
        for label, text in side.items():
            choice_ = SubElement(group, "simpleAssociableChoice", identifier=f"{mark}{label}")
            choice_.set("matchMax", "1" if mark == "L" else "0")
            _put(choice_, text, question)


def _write_text(item: Element, body: Element, question: Any) -> None:
    node = SubElement(item, "responseDeclaration", identifier="RESPONSE", cardinality="single")
    node.set("baseType", "string")
    _stem(body, question)
    SubElement(body, "extendedTextInteraction", responseIdentifier="RESPONSE")


_WRITERS = {
    "single": _write_choice,
    "multiple": _write_choice,
    "true_false": _write_true_false,
    "fill": _write_fill,
    "order": _write_order,
    "match": _write_match,
    "short_answer": _write_text,
}
