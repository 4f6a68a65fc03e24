"""Puts what was typed back into a rendered page: after a refusal, or after a sign-in that had ended meanwhile."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from lxml import html
from werkzeug.datastructures import MultiDict

from exam_app.web.typed_request import PASSWORDS

# Never kept, and never sent back.
SECRET = PASSWORDS | {"code", "csrf_token", "once"}
# Which version a page was made from; a form that comes back carries the newest.
VERSIONS = {"edits", "version"}
_IDENTITY_NUMBER = re.compile(r"(?<![0-9])[0-9]{17}[0-9Xx](?![0-9])")
Fields = MultiDict[str, str]
_NOT_TYPED = frozenset({"hidden", "password", "file", "submit", "button", "image"})


def harmless(fields: Fields) -> list[tuple[str, str]]:
    """The fields that may be kept: no password, no code, no identity number."""
    return [
        (name, value)
        for name, value in fields.items(multi=True)
        if name not in SECRET and not _IDENTITY_NUMBER.search(value)
    ]


def refill(page: str, path: str, *, action: str, fields: Fields | None, notice: str = "") -> str:
    """Fills the form of a page that was sent to `action` with `fields`; `path` is the page's own.

    A form without an action would be sent to the address at which the page is shown, so it gets the page's own.
    `notice` is shown on top of the page. Where the page no longer has the form, the texts stand there too.
    """
    root = html.document_fromstring(page)
    for form in root.iter("form"):
        if not form.get("action"):
            form.set("action", path)
    if fields is not None:
        found = _form(root, action, fields)
        if found is not None:
            _fill(found, fields)
            for box in found.iterancestors("details"):
                box.set("open", "")
        if notice:
            _say(root, notice, [] if found is not None else [v for _, v in harmless(fields) if v])
    return str(html.tostring(root, encoding="unicode", doctype="<!doctype html>"))


def _form(root: html.HtmlElement, action: str, fields: Fields) -> html.HtmlElement | None:
    """The form with this action whose fields are these: a page may have one for each row of a list."""
    fitting = []
    for form in root.iter("form"):
        if (form.get("method") or "").lower() != "post":
            continue
        if urlsplit(form.get("action")).path != action:
            continue
        named = [
            box for box in form.iter("input", "textarea", "select", "button") if box.get("name")
        ]
        hidden = {b.get("name"): b.get("value", "") for b in named if b.get("type") == "hidden"}
        if any(fields.get(n, "") != v for n, v in hidden.items() if n not in SECRET | VERSIONS):
            continue
        names = {box.get("name") for box in named} - SECRET
        if names.isdisjoint(fields):
            continue
        fitting.append((len(names & set(fields)) - len(set(fields) - names - SECRET), form))
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None


def _fill(form: html.HtmlElement, fields: Fields) -> None:
    given = {name: fields.getlist(name) for name in fields}
    used: dict[str, int] = {}
    for box in form.iter("input", "textarea", "select"):
        name, kind = box.get("name"), (box.get("type") or "text").lower()
        if not name or name in SECRET or (box.tag == "input" and kind in _NOT_TYPED):
            continue
        values = given.get(name, [])
        if box.tag == "select":
            for option in box.iter("option"):
                _mark(option, "selected", option.get("value", option.text_content()) in values)
        elif kind in ("checkbox", "radio"):
            _mark(box, "checked", box.get("value", "on") in values)
        elif (position := used.get(name, 0)) < len(values):
            used[name] = position + 1
            if box.tag == "textarea":
                # A browser drops the first line break.
                box.text = "\n" + values[position]
            else:
                box.set("value", values[position])


def _mark(box: html.HtmlElement, attribute: str, on: bool) -> None:
    if on:
        box.set(attribute, "")
    else:
        box.attrib.pop(attribute, None)


def _say(root: html.HtmlElement, notice: str, texts: list[str]) -> None:
    main = root.find(".//main")
    if main is None:
        return
    note = html.Element("div", {"class": "note wait", "role": "status"})
    for text in [notice, *texts]:
        paragraph = html.Element("p")
        paragraph.text = text
        note.append(paragraph)
    main.insert(0, note)
