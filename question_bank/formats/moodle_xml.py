"""Moodle XML: `multichoice`, `truefalse`, `shortanswer`, `numerical`, `matching`, `ordering`, `essay`,
`cloze`, `category`, with weights, feedback, HTML and embedded pictures. Parsed with defusedxml."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from question_bank.formats import cloze
from question_bank.formats.exchange import (
    Draft,
    Exchange,
    Skipped,
    Unrepresentable,
    choice,
    fractions_of,
    labelled,
    match_of,
    meta,
    name_of,
    pairs_of,
    percent,
    refuse_big,
    written,
)
from question_bank.formats.xml import clean, parse
from question_bank.question import Fill, Question

_FILE = re.compile(r"@@PLUGINFILE@@/([^\"'\s?<>]+)")


def read(data: bytes) -> Exchange:
    """Reads the questions of a Moodle XML file."""
    result = Exchange()
    refuse_big(data)
    root = parse(data)
    if root.tag != "quiz":
        raise Unrepresentable("不是 Moodle XML：最外层要是 quiz")
    category = ""
    for number, node in enumerate(root.findall("question"), start=1):
        kind = node.get("type", "")
        if kind == "category":
            category = _text(node.find("category"))
            continue
        where, name = f"第 {number} 题", _text(node.find("name"))
        try:
            fields = _question(node, kind)
        except Unrepresentable as reason:
            result.skip(where, name, str(reason))
            continue
        result.add(where, name, fields | meta(name, category))
    return result


def _text(node: Element | None) -> str:
    if node is None:
        return ""
    inner = node.find("text")
    return (inner.text or "").strip() if inner is not None else (node.text or "").strip()


def _question(node: Element, kind: str) -> Draft:
    question_text = node.find("questiontext")
    html = question_text is not None and question_text.get("format", "html") == "html"
    files = {f.get("name", ""): (f.text or "").strip() for f in node.iter("file")}
    stem = _linked(_text(question_text))
    data: Draft = {"stem": stem}
    general = _linked(_text(node.find("generalfeedback")))
    data |= meta(html=html, files={k: v for k, v in files.items() if k and v})
    data |= {"explanation": general} if general else {}
    readers: dict[str, Callable[[Element], Draft]] = {
        "multichoice": _multichoice,
        "truefalse": _truefalse,
        "shortanswer": _shortanswer,
        "numerical": _numerical,
        "matching": _matching,
        "ordering": _ordering,
        "essay": lambda _: {"type": "short_answer", "key": ""},
        "cloze": lambda _: cloze.read(stem, html),
    }
    if kind not in readers:
        raise Unrepresentable(f"没有对应的题型：{kind or '没写类型'}")
    return data | readers[kind](node)


def _linked(text: str) -> str:
    return _FILE.sub(r"\1", text)


def _fraction(node: Element) -> float:
    try:
        share = float(node.get("fraction", "0")) / 100
    except ValueError:
        raise Unrepresentable("有一个选项的分值不是数") from None
    if not -1 <= share <= 1:
        raise Unrepresentable("有一个选项的分值超过 100%")
    return share


def _multichoice(node: Element) -> Draft:
    answers = node.findall("answer")
    return choice(
        [_linked(_text(a)) for a in answers],
        [_fraction(a) for a in answers],
        [_linked(_text(a.find("feedback"))) for a in answers],
        single=(node.findtext("single") or "true").strip().lower() in ("true", "1"),
    )


def _truefalse(node: Element) -> Draft:
    feedback, key = {}, None
    for answer in node.findall("answer"):
        label = _text(answer).lower()
        if label not in ("true", "false"):
            raise Unrepresentable("判断题的答案不是 true 或 false")
        if _fraction(answer) == 1:
            key = label == "true"
        message = _linked(_text(answer.find("feedback")))
        if message:
            feedback[label] = message
    if key is None:
        raise Unrepresentable("判断题没有满分答案")
    return {"type": "true_false", "key": key} | ({"feedback": feedback} if feedback else {})


def _shortanswer(node: Element) -> Draft:
    full, partly = [], {}
    for answer in node.findall("answer"):
        if _text(answer.find("feedback")):
            raise Unrepresentable("填空题的某个答案有自己的反馈")
        if "*" in _text(answer):
            raise Unrepresentable("填空题的答案用了通配符 *")
        share = _fraction(answer)
        if share == 1:
            full.append(_text(answer))
        elif share > 0:
            partly[_text(answer)] = share
    if not full:
        raise Unrepresentable("填空题没有满分答案")
    return {"type": "fill", "key": [full]} | ({"credit": [partly]} if partly else {})


def _numerical(node: Element) -> Draft:
    answers = node.findall("answer")
    if len(answers) != 1 or _fraction(answers[0]) != 1 or node.findall("units/unit"):
        raise Unrepresentable("数值题有几个答案、部分得分或单位")
    if _text(answers[0].find("feedback")):
        raise Unrepresentable("数值题的答案有自己的反馈")
    try:
        value = float(_text(answers[0]))
        tolerance = float(answers[0].findtext("tolerance") or 0)
    except ValueError:
        raise Unrepresentable("数值题的答案或误差不是数") from None
    span = [value - tolerance, value + tolerance]
    return {"type": "fill", "key": [[_text(answers[0])]], "ranges": [span]}


def _matching(node: Element) -> Draft:
    return match_of(
        [(_linked(_text(s)), _text(s.find("answer"))) for s in node.findall("subquestion")]
    )


def _ordering(node: Element) -> Draft:
    options = labelled([_linked(_text(a)) for a in node.findall("answer")])
    return {"type": "order", "options": options, "key": list(options)}


def write(questions: Sequence[Question]) -> tuple[bytes, list[Skipped]]:
    """Returns (a Moodle XML file, questions it can't represent)."""
    root, category = Element("quiz"), ""
    skipped: list[Skipped] = []
    for _, question, node in written(questions, _element, skipped):
        if question.category != category:
            category = question.category
            mark = SubElement(root, "question", type="category")
            _put(SubElement(mark, "category"), category)
        root.append(node)
    return tostring(root, encoding="utf-8", xml_declaration=True), skipped


def _put(node: Element, text: str) -> None:
    SubElement(node, "text").text = clean(text)


def _element(question: Question) -> Element:
    kinds = {
        "single": "multichoice",
        "multiple": "multichoice",
        "true_false": "truefalse",
        "fill": "shortanswer",
        "match": "matching",
        "order": "ordering",
        "short_answer": "essay",
    }
    if question.type not in kinds:
        raise Unrepresentable("Moodle 没有案例题")
    # Category and pictures are written without a check. Refused here, bad text skips only this question.
    for text in (question.category, *question.files, *question.files.values()):
        clean(text)
    embedded = question.type == "fill" and len(question.key) > 1
    numerical = question.type == "fill" and _span(question) is not None
    kind = "cloze" if embedded else "numerical" if numerical else kinds[question.type]
    node = Element("question", type=kind)
    _put(SubElement(node, "name"), name_of(question))
    form = "html" if question.html else "plain_text"
    question_text = SubElement(node, "questiontext", format=form)
    stem = cloze.write(question, _centre) if question.type == "fill" and embedded else question.stem
    _put(question_text, _with_files(question, stem))
    for name, content in question.files.items():
        SubElement(question_text, "file", name=name, path="/", encoding="base64").text = content
    general = SubElement(node, "generalfeedback", format=form)
    _put(general, _with_files(question, question.explanation))
    if not embedded:
        _answers(node, question, form)
    return node


def _with_files(question: Question, text: str) -> str:
    for name in question.files:
        text = re.sub(rf"(?<=[\"']){re.escape(name)}(?=[\"'])", f"@@PLUGINFILE@@/{name}", text)
    return text


def _answer(node: Element, text: str, share: float, *, feedback: str, form: str) -> Element:
    answer = SubElement(node, "answer", fraction=percent(share), format=form)
    _put(answer, text)
    if feedback:
        _put(SubElement(answer, "feedback", format=form), feedback)
    return answer


def _answers(node: Element, question: Question, form: str) -> None:
    if question.type in ("single", "multiple"):
        SubElement(node, "single").text = str(question.type == "single").lower()
        shares = fractions_of(question)
        for label, text in question.options.items():
            feedback = _with_files(question, question.feedback.get(label, ""))
            _answer(node, _with_files(question, text), shares[label], feedback=feedback, form=form)
    elif question.type == "true_false":
        for label in ("true", "false"):
            share = float((label == "true") == question.key)
            _answer(
                node,
                label,
                share,
                feedback=question.feedback.get(label, ""),
                form="moodle_auto_format",
            )
    elif question.type == "fill" and (span := _span(question)) is not None:
        if len(question.key[0]) > 1 or (question.credit and question.credit[0]):
            raise Unrepresentable("数值题还有别的写法")
        middle, tolerance = _centre(question.key[0][0], *span)
        answer = _answer(node, middle, 1.0, feedback="", form="moodle_auto_format")
        SubElement(answer, "tolerance").text = f"{tolerance:.15g}"
    elif question.type == "fill":
        for text in question.key[0]:
            _answer(node, text, 1.0, feedback="", form="moodle_auto_format")
        for text, share in (question.credit[0] if question.credit else {}).items():
            _answer(node, text, share, feedback="", form="moodle_auto_format")
    elif question.type == "match":
        for left, right in pairs_of(question):
            part = SubElement(node, "subquestion", format=form)
            _put(part, _with_files(question, left))
            _put(SubElement(part, "answer"), right)
    elif question.type == "order":
        for label in question.key:
            _answer(
                node, _with_files(question, question.options[label]), 1.0, feedback="", form=form
            )


def _span(question: Fill) -> tuple[float, float] | None:
    """The range of the first blank."""
    return question.ranges[0] if question.ranges else None


def _centre(key: str, low: float, high: float) -> tuple[str, float]:
    try:
        value = float(key)
    except ValueError:
        raise Unrepresentable("数值题的答案不是数") from None
    tolerance = (high - low) / 2
    if abs((low + high) / 2 - value) > 1e-9 * max(1.0, abs(value)):
        raise Unrepresentable("数值范围不以答案为中心")
    return key, tolerance
