"""Writes QTI packages in version 2.1, 2.2 or 3.0; `qti` reads them.

Items are built with the names of QTI 2; version 3.0 has the same elements with a prefix and hyphens.
"""

from __future__ import annotations

import base64
import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree.ElementTree import Element, SubElement, tostring

from question_bank.formats.exchange import (
    Skipped,
    Unrepresentable,
    fractions_of,
    name_of,
    written,
)
from question_bank.formats.xml import clean
from question_bank.question import (
    BLANK,
    Fill,
    Match,
    Multiple,
    Order,
    Question,
    ShortAnswer,
    Single,
    TrueFalse,
)

Version = Literal["2.1", "2.2", "3.0"]
_HTML = {"div", "p", "img", "br"}


@dataclass(frozen=True)
class _Names:
    """Names of a version: namespaces of items and package, resource type, URL of the templates."""

    item: str
    package: str
    resource: str
    templates: str
    suffix: str = ""


VERSIONS: dict[Version, _Names] = {
    "2.1": _Names(
        "http://www.imsglobal.org/xsd/imsqti_v2p1",
        "http://www.imsglobal.org/xsd/imscp_v1p1",
        "imsqti_item_xmlv2p1",
        "http://www.imsglobal.org/question/qti_v2p1/rptemplates/",
    ),
    "2.2": _Names(
        "http://www.imsglobal.org/xsd/imsqti_v2p2",
        "http://www.imsglobal.org/xsd/imscp_v1p1",
        "imsqti_item_xmlv2p2",
        "http://www.imsglobal.org/question/qti_v2p2/rptemplates/",
    ),
    "3.0": _Names(
        "http://www.imsglobal.org/xsd/imsqtiasi_v3p0",
        "http://www.imsglobal.org/xsd/qti/qtiv3p0/imscp_v1p1",
        "imsqti_item_xmlv3p0",
        "https://purl.imsglobal.org/spec/qti/v3p0/rptemplates/",
        ".xml",
    ),
}


def write(questions: Sequence[Question], version: Version = "2.2") -> tuple[bytes, list[Skipped]]:
    """Returns (a zipped QTI package with its manifest, questions it can't represent)."""
    out = io.BytesIO()
    skipped: list[Skipped] = []
    names = VERSIONS[version]
    manifest = Element("manifest", {"xmlns": names.package, "identifier": "MANIFEST"})
    SubElement(manifest, "organizations")
    resources = SubElement(manifest, "resources")
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for number, question, (item, pictures) in written(questions, _item, skipped):
            name = f"items/{question.id}-{number}.xml"
            resource = SubElement(
                resources,
                "resource",
                {"identifier": f"R{number}", "type": names.resource, "href": name},
            )
            SubElement(resource, "file", href=name)
            for picture, content in pictures.items():
                SubElement(resource, "file", href=f"items/{number}/{picture}")
                package.writestr(_entry(f"items/{number}/{picture}"), content)
            _place(item, str(number))
            _rename(item, names, version == "3.0")
            package.writestr(_entry(name), tostring(item, encoding="utf-8", xml_declaration=True))
        text = tostring(manifest, encoding="utf-8", xml_declaration=True)
        package.writestr(_entry("imsmanifest.xml"), text)
    return out.getvalue(), skipped


def _item(question: Question) -> tuple[Element, dict[str, bytes]]:
    """(the item of a question, its pictures by name)."""
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


def _rename(item: Element, names: _Names, hyphens: bool) -> None:
    """Converts an item to the names of a version."""
    item.set("xmlns", names.item)
    for node in item.iter():
        if "template" in node.attrib:
            node.set("template", names.templates + node.attrib["template"] + names.suffix)
        if not hyphens:
            continue
        for name in [n for n in node.attrib if n != n.lower()]:
            node.set(_hyphened(name), node.attrib.pop(name))
        if node.tag not in _HTML:
            node.tag = f"qti-{_hyphened(node.tag)}"
        if node.tag == "qti-modal-feedback":
            inner = Element("contentBody")
            inner.text, node.text = node.text, None
            inner.extend(list(node))
            node[:] = [inner]


def _hyphened(name: str) -> str:
    return re.sub("([A-Z])", lambda m: "-" + m[1].lower(), name)


def item_element(question: Question) -> Element:
    """A question as an assessmentItem with the names of QTI 2. Raises `Unrepresentable`."""
    if question.type == "case":
        raise Unrepresentable("QTI 一题放不下案例的几个小题")
    item = Element(
        "assessmentItem",
        {
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
    _write(item, body, question)
    _outcome(item, "SCORE", "float")
    if question.feedback:
        _outcome(
            item,
            "FEEDBACK",
            "identifier",
            cardinality="multiple" if question.type == "multiple" else "single",
        )
    if question.explanation:
        # Shown whatever the response was.
        default = SubElement(_outcome(item, "EXPLAINED", "identifier"), "defaultValue")
        SubElement(default, "value").text = "GENERAL"
    item.append(body)
    _process(item, question)
    for label, text in question.feedback.items():
        _modal(item, "FEEDBACK", label, text=text, question=question)
    if question.explanation:
        _modal(item, "EXPLAINED", "GENERAL", text=question.explanation, question=question)
    return item


def _outcome(item: Element, identifier: str, kind: str, *, cardinality: str = "single") -> Element:
    node = SubElement(item, "outcomeDeclaration", identifier=identifier, cardinality=cardinality)
    node.set("baseType", kind)
    return node


def _modal(item: Element, outcome: str, label: str, *, text: str, question: Question) -> None:
    node = SubElement(item, "modalFeedback", outcomeIdentifier=outcome, identifier=label)
    node.set("showHide", "show")
    _put(node, text, question)


def _process(item: Element, question: Question) -> None:
    """Adds the response processing: a standard template where one suffices."""
    if question.type == "short_answer" or question.type == "case":
        return
    weighted = question.type in ("single", "multiple") and bool(question.weights)
    if question.type != "fill" and not question.feedback:
        template = "map_response" if weighted else "match_correct"
        SubElement(item, "responseProcessing", template=template)
        return
    node = SubElement(item, "responseProcessing")
    if question.type == "fill":
        score = SubElement(SubElement(node, "setOutcomeValue", identifier="SCORE"), "divide")
        total = SubElement(score, "sum")
        for number in range(1, len(question.key) + 1):
            SubElement(total, "mapResponse", identifier=f"RESPONSE{number}")
        _base(score, len(question.key))
        return
    if weighted:
        score = SubElement(node, "setOutcomeValue", identifier="SCORE")
        SubElement(score, "mapResponse", identifier="RESPONSE")
    else:
        right = SubElement(SubElement(node, "responseCondition"), "responseIf")
        same = SubElement(right, "match")
        SubElement(same, "variable", identifier="RESPONSE")
        SubElement(same, "correct", identifier="RESPONSE")
        _base(SubElement(right, "setOutcomeValue", identifier="SCORE"), 1)
    outcome = SubElement(node, "setOutcomeValue", identifier="FEEDBACK")
    SubElement(outcome, "variable", identifier="RESPONSE")


def _base(node: Element, value: int) -> None:
    SubElement(node, "baseValue", baseType="float").text = str(value)


def _put(node: Element, text: str, question: Question) -> None:
    """Writes a text; HTML, line breaks and outer spaces are also stored verbatim in ``data-text``."""
    clean(text)
    plain = re.sub(r"<[^>]+>", " ", text) if question.html else text
    node.text = plain
    if question.html or text != text.strip() or "\n" in text:
        node.set("data-text", text)
    for name in question.files:
        image = re.search(rf"<img[^>]*{re.escape(name)}[^>]*>", text)
        if image:
            alt = re.search(r'alt="([^"]*)"', image[0])
            SubElement(node, "img", src=name, alt=alt[1] if alt else "")


def _declare(
    item: Element, identifier: str, cardinality: str, *, kind: str, right: Sequence[str]
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


def _stem(body: Element, question: Question) -> None:
    _put(SubElement(body, "div"), question.stem, question)


def _write(item: Element, body: Element, question: Question) -> None:
    """Writes the response declarations of a question, its stem and its interactions."""
    match question.type:
        case "single" | "multiple":
            _write_choice(item, body, question)
        case "true_false":
            _write_true_false(item, body, question)
        case "fill":
            _write_fill(item, body, question)
        case "order":
            _write_order(item, body, question)
        case "match":
            _write_match(item, body, question)
        case "short_answer":
            _write_text(item, body, question)


def _write_choice(item: Element, body: Element, question: Single | Multiple) -> None:
    single = question.type == "single"
    right = [question.key] if question.type == "single" else question.key
    declaration = _declare(
        item, "RESPONSE", "single" if single else "multiple", kind="identifier", right=right
    )
    if question.weights:
        _map(declaration, fractions_of(question))
    _stem(body, question)
    node = SubElement(body, "choiceInteraction", responseIdentifier="RESPONSE", shuffle="false")
    node.set("maxChoices", "1" if single else "0")
    for label, text in question.options.items():
        _put(SubElement(node, "simpleChoice", identifier=label), text, question)


def _write_true_false(item: Element, body: Element, question: TrueFalse) -> None:
    _declare(item, "RESPONSE", "single", kind="identifier", right=[str(question.key).lower()])
    _stem(body, question)
    node = SubElement(body, "choiceInteraction", responseIdentifier="RESPONSE", shuffle="false")
    node.set("maxChoices", "1")
    for label, text in (("true", "对"), ("false", "错")):
        SubElement(node, "simpleChoice", identifier=label).text = text


def _write_fill(item: Element, body: Element, question: Fill) -> None:
    if any(question.ranges):
        raise Unrepresentable("QTI 的填空放不下数值范围")
    if question.html or question.files:
        raise Unrepresentable("带网页格式或图片的填空题写不成 QTI")
    text = clean(question.stem)
    pieces = text.split(BLANK)
    if len(pieces) != len(question.key) + 1 or text != text.strip() or "\n" in text:
        raise Unrepresentable("题干里的空和答案的空对不上，或题干分了行")
    for number, full in enumerate(question.key, start=1):
        declaration = _declare(item, f"RESPONSE{number}", "single", kind="string", right=full[:1])
        partly = question.credit[number - 1] if question.credit else {}
        _map(declaration, {**dict.fromkeys(full, 1.0), **partly})
    node = SubElement(body, "p")
    node.text = pieces[0]
    for number, piece in enumerate(pieces[1:], start=1):
        gap = SubElement(node, "textEntryInteraction", responseIdentifier=f"RESPONSE{number}")
        gap.tail = piece


def _write_order(item: Element, body: Element, question: Order) -> None:
    _declare(item, "RESPONSE", "ordered", kind="identifier", right=question.key)
    _stem(body, question)
    node = SubElement(body, "orderInteraction", responseIdentifier="RESPONSE", shuffle="false")
    for label, text in question.options.items():
        _put(SubElement(node, "simpleChoice", identifier=label), text, question)


def _write_match(item: Element, body: Element, question: Match) -> None:
    pairs = [f"L{k} R{question.key[k]}" for k in question.left]
    _declare(item, "RESPONSE", "multiple", kind="directedPair", right=pairs)
    _stem(body, question)
    node = SubElement(body, "matchInteraction", responseIdentifier="RESPONSE", shuffle="false")
    node.set("maxAssociations", str(len(question.left)))
    for prefix, side in (("L", question.left), ("R", question.options)):
        group = SubElement(node, "simpleMatchSet")
        for label, text in side.items():
            option = SubElement(group, "simpleAssociableChoice", identifier=f"{prefix}{label}")
            option.set("matchMax", "1" if prefix == "L" else "0")
            _put(option, text, question)


def _write_text(item: Element, body: Element, question: ShortAnswer) -> None:
    node = SubElement(item, "responseDeclaration", identifier="RESPONSE", cardinality="single")
    node.set("baseType", "string")
    _stem(body, question)
    SubElement(body, "extendedTextInteraction", responseIdentifier="RESPONSE")
