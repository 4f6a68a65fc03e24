"""One way to carry out a form: once for each one-time key, and given back filled in when it is refused."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from uuid import uuid4

from flask import Response, current_app, flash, g, redirect, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from exam_app.core import form_keys
from exam_app.web.current import account
from exam_app.web.forms import Form
from exam_app.web.refill import refill
from exam_app.web.session import db
from training_records.errors import Refused, Stale

Verb = Callable[[], str | None]
Page = Callable[[], ResponseReturnValue]
_KEY = re.compile(r"[0-9a-f]{32}")


def once() -> Markup:
    """The hidden field with a new one-time key, for a form that makes something."""
    return Markup('<input type="hidden" name="once" value="{}">').format(uuid4().hex)


def carry_out(
    verb: Verb,
    path: str,
    *,
    page: Page,
    form: Form | None = None,
    target: Callable[[], str] | None = None,
) -> BaseResponse:
    """Validates `form`, calls the verb, commits, says its message and redirects to `target`, else to `path`.

    `path` is the address of the page that the form stands on, `page` renders it: a refused form comes back on it with
    status 422 and with what was typed. A declared form (`Form.typed`) is rendered with its errors there; one that is
    written by hand is filled in again. The same form sent again with its one-time key leads where it led first, and does
    nothing; who went back and typed something else means something else.
    """
    if form is not None and not form.validate():
        return give_back(page, path, form=form)
    key = _sent_key()
    try:
        if key and (earlier := form_keys.claim(db(), account().id, key)):
            db().rollback()
            return _led_to(earlier)
        message = verb()
    except Refused as refused:
        if form is not None:
            form.is_stale = isinstance(refused, Stale)
        return give_back(page, path, form=form, refusal=str(refused))
    outcome = form_keys.Outcome(target() if target else path, message or "")
    if key:
        form_keys.settle(db(), account().id, key, outcome=outcome)
    db().commit()
    return _led_to(outcome)


def _sent_key() -> str:
    """The one-time key together with what it came with; "" when the form has none."""
    if not _KEY.fullmatch(request.form.get("once", "")):
        return ""
    fields = [(n, v) for n, v in request.form.items(multi=True) if n != "csrf_token"]
    sent = json.dumps([request.path, fields]).encode()
    return hashlib.sha256(sent).hexdigest()[:32]


def _led_to(outcome: form_keys.Outcome) -> BaseResponse:
    if outcome.message:
        flash(outcome.message, "good")
    return redirect(outcome.target)


def give_back(page: Page, path: str, *, form: Form | None = None, refusal: str = "") -> Response:
    """The page of a refused form with what was typed, status 422; nothing is written. `path`: the page's own."""
    db().rollback()
    if form is not None:
        form.refusal = refusal
        g.refused_form = form
    elif refusal:
        flash(refusal, "bad")
    response = current_app.make_response(page())
    if response.status_code >= 300:
        return response
    if response.mimetype == "text/html":
        typed = request.form if form is None else None
        text = response.get_data(as_text=True)
        response.set_data(refill(text, path, action=request.path, fields=typed))
    response.status_code = 422
    return response
