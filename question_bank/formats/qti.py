"""QTI 2.1, 2.2 and 3.0 (1EdTech): single items and zipped packages with their manifest.

Interactions: choice, text entry, order, match; `correctResponse`, `mapping` as weights, feedback by
`modalFeedback` and by `feedbackInline` in an option. The versions' elements differ by prefix and
hyphens only (``qti-choice-interaction``).
"""

from __future__ import annotations

import base64
import io
import posixpath
import re
import zipfile
from collections.abc import Callable, Sequence
from html import escape
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from question_bank.formats.exchange import (
    LIMIT,
    Draft,
    Exchange,
    Unrepresentable,
    choice,
    labelled,
    left_labels,
    meta,
    refuse_big,
)
from question_bank.formats.qti_write import write
from question_bank.formats.xml import parse
from question_bank.question import BLANK

MAX_FILES = 20_000
_FEEDBACK = ("feedbackInline", "feedbackBlock")
_NOT_STEM = ("prompt", "rubricBlock", *_FEEDBACK)
_MEDIA = ("math", "object", "audio", "video")
_RICH = frozenset(
    [
        "img",
        "a",
        "b",
        "i",
        "em",
        "strong",
        "u",
        "sub",
        "sup",
        "pre",
        "code",
        "ul",
        "ol",
        "li",
        "dl",
        "dt",
        "dd",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "caption",
        "blockquote",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
    ]
)

__all__ = ["read", "write"]


def read(data: bytes) -> Exchange:
    """Reads the questions of an item file or a package. Raises `Unrepresentable` when it is neither."""
    result = Exchange()
    refuse_big(data)
    if data[:2] != b"PK":
        _take(result, "题目文件", parse(data), files={})
        return result
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            files = _unpack(package)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise Unrepresentable(f"压缩包打不开：{type(error).__name__}") from None
    for name in _item_names(files):
        try:
            root = parse(files[name])
        except Unrepresentable as reason:
            result.skip(name, "", str(reason))
            continue
        _take(result, name, root, files=files)
    return result


def _unpack(package: zipfile.ZipFile) -> dict[str, bytes]:
    entries = [e for e in package.infolist() if e.filename and not e.is_dir()]
    if len(entries) > MAX_FILES or sum(e.file_size for e in entries) > LIMIT:
        raise Unrepresentable("压缩包解开后太大，请拆开再导入")
    try:
        return {posixpath.normpath(e.filename): package.read(e) for e in entries}
    except MemoryError:
        raise
    except Exception as error:  # every compression method raises its own errors
        raise Unrepresentable(f"压缩包里的文件坏了：{type(error).__name__}") from None


def _item_names(files: dict[str, bytes]) -> list[str]:
    manifest = files.get("imsmanifest.xml")
    if manifest is None:
        raise Unrepresentable("压缩包里没有 imsmanifest.xml")
    names = []
    for node in parse(manifest).iter():
        if _local(node) == "resource" and "item" in node.get("type", ""):
            name = posixpath.normpath(unquote(node.get("href", "")))
            if name in files:
                names.append(name)
    return list(dict.fromkeys(names))


def _local(node: Element) -> str:
    """The QTI 2 name of a tag: ``choiceInteraction`` for ``qti-choice-interaction``."""
    if not isinstance(node.tag, str):
        return ""
    tag = node.tag.rsplit("}", 1)[-1]
    if tag.startswith("qti-"):
        first, *rest = tag.removeprefix("qti-").split("-")
        tag = first + "".join(part.capitalize() for part in rest)
    return tag


def _get(node: Element, name: str) -> str:
    hyphened = re.sub("([A-Z])", lambda m: "-" + m[1].lower(), name)
    return node.get(name) or node.get(hyphened) or ""


def _all(node: Element, name: str) -> list[Element]:
    return [n for n in node.iter() if _local(n) == name]


def _take(result: Exchange, where: str, root: Element, *, files: dict[str, bytes]) -> None:
    name = root.get("title") or root.get("identifier") or ""
    try:
        if _local(root) != "assessmentItem":
            raise Unrepresentable("不是 QTI 题目：最外层要是 assessmentItem")
        fields = _Item(root, posixpath.dirname(where), files).question()
    except Unrepresentable as reason:
        result.skip(where, name, str(reason))
        return
    result.add(where, name, fields | meta(name, root.get("label") or ""))


class _Item:
    """Parser of one assessmentItem."""

    def __init__(self, root: Element, folder: str, files: dict[str, bytes]) -> None:
        self.root, self.folder, self.package = root, folder, files
        self.files: dict[str, str] = {}
        bodies = _all(root, "itemBody")
        if len(bodies) != 1:
            raise Unrepresentable("没有题干 itemBody")
        self.body = bodies[0]
        self._refuse_dynamic()
        self.html = root.get("data-html") == "true" or any(
            _local(n) in _RICH
            for top in (self.body, *_all(root, "modalFeedback"))
            for n in top.iter()
        )
        self.feedback = {_get(n, "identifier"): self._inner(n) for n in _all(root, "modalFeedback")}

    def question(self) -> Draft:
        interactions = [n for n in self.body.iter() if _local(n).endswith("Interaction")]
        kinds = {_local(n) for n in interactions}
        if (
            not interactions
            or len(kinds) > 1
            or (len(interactions) > 1 and kinds != {"textEntryInteraction"})
        ):
            raise Unrepresentable("没有作答部分，或一题里有几种作答方式")
        kind = kinds.pop()
        readers: dict[str, Callable[[Element], Draft]] = {
            "choiceInteraction": self._choice,
            "orderInteraction": self._order,
            "matchInteraction": self._match,
            "extendedTextInteraction": lambda _: {"type": "short_answer", "key": ""},
        }
        if kind == "textEntryInteraction":
            data = self._written(interactions)
        elif kind in readers:
            data = readers[kind](interactions[0])
        else:
            raise Unrepresentable(f"没有对应的作答方式：{kind}")
        general = self.feedback.get("GENERAL", "")
        data |= {"stem": self._stem()} | ({"explanation": general} if general else {})
        return data | meta(html=self.html, files=self.files)

    def _refuse_dynamic(self) -> None:
        """Refuses adaptive items, templates, media, and feedback that does not belong to an option."""
        if self.root.get("adaptive") == "true":
            raise Unrepresentable("会按作答一步步变化的题（adaptive）")
        if _all(self.root, "templateDeclaration") or _all(self.body, "printedVariable"):
            raise Unrepresentable("题目里的数是临时生成的（template）")
        for name in _MEDIA:
            if _all(self.body, name):
                raise Unrepresentable(f"题目里有公式或音视频（{name}）")
        feedback = sum(len(_all(self.body, name)) for name in _FEEDBACK)
        if feedback != sum(
            len(_all(c, n)) for c in _all(self.body, "simpleChoice") for n in _FEEDBACK
        ):
            raise Unrepresentable("有按作答情况才显示的文字，又不是某个选项的反馈")

    def _stem(self) -> str:
        parts = [self._text(self.body)]
        parts += [self._inner(p) for p in _all(self.body, "prompt")]
        return "\n".join(p.strip() for p in parts if p.strip())

    def _text(self, node: Element) -> str:
        """Text of a node without interactions and feedback, blanks marked; HTML if the item is HTML."""
        pieces = [self._plain(node.text)]
        for child in node:
            local = _local(child)
            if local == "textEntryInteraction":
                pieces.append(BLANK)
            elif not local.endswith("Interaction") and local not in _NOT_STEM:
                pieces.append(self._inner(child) if local == "div" else self._child(child))
            pieces.append(self._plain(child.tail))
        return "".join(pieces)

    def _plain(self, text: str | None) -> str:
        return escape(text or "", quote=False) if self.html else text or ""

    def _child(self, node: Element) -> str:
        local = _local(node)
        if local == "img":
            return self._picture(node)
        inner = self._text(node)
        if not self.html:
            return {"p": inner + "\n", "br": "\n"}.get(local, inner)
        if local == "br":
            return "<br>"
        if local in ("span", "contentBody"):
            return inner
        link = f' href="{escape(node.get("href", ""))}"' if local == "a" else ""
        return f"<{local}{link}>{inner}</{local}>"

    def _picture(self, node: Element) -> str:
        source = unquote(node.get("src", ""))
        name = posixpath.basename(source)
        content = self.package.get(posixpath.normpath(posixpath.join(self.folder, source)))
        if content is None or not name:
            raise Unrepresentable(f"找不到图片 {source}")
        self.files[name] = base64.b64encode(content).decode()
        return f'<img src="{name}" alt="{escape(node.get("alt", ""))}">'

    def _inner(self, node: Element) -> str:
        """Content of a node: the verbatim text that `qti_write` stored, else its text."""
        raw = node.get("data-text")
        if raw is not None:
            for picture in _all(node, "img"):
                self._picture(picture)
            return raw
        return self._text(node).strip()

    def _declaration(self, identifier: str) -> Element:
        for node in _all(self.root, "responseDeclaration"):
            if _get(node, "identifier") == identifier:
                return node
        raise Unrepresentable(f"没有 {identifier} 的答案")

    def _correct(self, declaration: Element) -> list[str]:
        return [
            (v.text or "").strip()
            for part in _all(declaration, "correctResponse")
            for v in _all(part, "value")
        ]

    def _mapped(self, declaration: Element) -> dict[str, float]:
        try:
            return {
                _get(entry, "mapKey"): float(_get(entry, "mappedValue"))
                for entry in _all(declaration, "mapEntry")
            }
        except ValueError:
            raise Unrepresentable("mapping 里的分值不是数") from None

    def _choice(self, node: Element) -> Draft:
        declaration = self._declaration(_get(node, "responseIdentifier"))
        choices = [(_get(c, "identifier"), self._inner(c)) for c in _all(node, "simpleChoice")]
        right, mapped = self._correct(declaration), self._mapped(declaration)
        names = [name for name, _ in choices]
        for option, name in zip(_all(node, "simpleChoice"), names, strict=True):
            self._inline_feedback(option, name)
        if sorted(names) == ["false", "true"]:
            if right not in (["true"], ["false"]):
                raise Unrepresentable("判断题没有答案")
            feedback = {n: self.feedback[n] for n in names if self.feedback.get(n)}
            data: Draft = {"type": "true_false", "key": right == ["true"]}
            return data | ({"feedback": feedback} if feedback else {})
        if len(set(names)) < len(names) or not set(right) <= set(names):
            raise Unrepresentable("选项的编号重复，或答案不在选项里")
        single = _get(declaration, "cardinality") != "multiple"
        share = 1.0 if single else 1 / max(len(right), 1)
        fractions = [
            mapped.get(n, 0.0) if mapped else (share if n in right else (0.0 if single else -1.0))
            for n in names
        ]
        if any(not -1 <= f <= 1 for f in fractions):
            raise Unrepresentable("mapping 里的分值超出 -1 到 1")
        option_feedback = [self.feedback.get(n, "") for n in names]
        return choice([text for _, text in choices], fractions, option_feedback, single=single)

    def _inline_feedback(self, option: Element, name: str) -> None:
        """Takes over the feedback inside an option."""
        feedback = [n for kind in _FEEDBACK for n in _all(option, kind)]
        if any(_get(n, "showHide") == "hide" for n in feedback) or len(feedback) > 1:
            raise Unrepresentable("一个选项有几段反馈，或反馈是选别的才显示")
        if feedback:
            self.feedback[name] = self._inner(feedback[0])

    def _written(self, nodes: Sequence[Element]) -> Draft:
        key, credit = [], []
        for node in nodes:
            declaration = self._declaration(_get(node, "responseIdentifier"))
            mapped = self._mapped(declaration)
            full = [*self._correct(declaration), *(k for k, v in mapped.items() if v == 1)]
            full = list(dict.fromkeys(text for text in full if text))
            if not full:
                raise Unrepresentable("填空题没有答案")
            key.append(full)
            credit.append({k: v for k, v in mapped.items() if 0 < v < 1})
        return {"type": "fill", "key": key} | ({"credit": credit} if any(credit) else {})

    def _order(self, node: Element) -> Draft:
        declaration = self._declaration(_get(node, "responseIdentifier"))
        choices = [(_get(c, "identifier"), self._inner(c)) for c in _all(node, "simpleChoice")]
        names = [name for name, _ in choices]
        right = self._correct(declaration)
        if sorted(right) != sorted(names) or len(set(names)) < len(names):
            raise Unrepresentable("排序题的答案没有把每一项各排一次")
        options = labelled([text for _, text in choices])
        labels = dict(zip(names, options, strict=True))
        return {"type": "order", "options": options, "key": [labels[n] for n in right]}

    def _match(self, node: Element) -> Draft:
        declaration = self._declaration(_get(node, "responseIdentifier"))
        sets = _all(node, "simpleMatchSet")
        if len(sets) != 2:
            raise Unrepresentable("配对题要有左右两组")
        sides = [
            [(_get(c, "identifier"), self._inner(c)) for c in _all(s, "simpleAssociableChoice")]
            for s in sets
        ]
        pairs = dict(v.split() for v in self._correct(declaration) if len(v.split()) == 2)
        lefts, rights = sides
        numbers = {name: i + 1 for i, (name, _) in enumerate(rights)}
        if set(pairs) != {name for name, _ in lefts} or not set(pairs.values()) <= set(numbers):
            raise Unrepresentable("配对题的答案没有给每个左项各配一个右项")
        labels = left_labels(len(lefts))
        return {
            "type": "match",
            "left": {label: text for label, (_, text) in zip(labels, lefts, strict=True)},
            "options": {i + 1: text for i, (_, text) in enumerate(rights)},
            "key": {
                label: numbers[pairs[name]] for label, (name, _) in zip(labels, lefts, strict=True)
            },
        }
