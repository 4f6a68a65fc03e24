"""A form that arrives after its sign-in has ended: kept, sealed, for its account to go on with after signing in."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from flask import Response, current_app, redirect, request, session, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response as BaseResponse

from exam_app.core import form_keys
from exam_app.core.sealing import seal_of
from exam_app.identity.service import find_session
from exam_app.web.current import config
from exam_app.web.refill import harmless, refill
from exam_app.web.services import services
from exam_app.web.session import db
from training_records.errors import Refused

_HANDLE = "typed"
NOTICE = "刚才登录过期了，您填的内容没有丢，都放回来了。请核对以后再提交。"


def can_be_opened(path: str) -> bool:
    """Whether a path of this site is a page: not only the address that a form is sent to."""
    try:
        current_app.create_url_adapter(request).match(urlsplit(path).path, method="GET")  # type: ignore[union-attr]
    except RequestRedirect:
        return True
    except HTTPException:
        return False
    return True


def _page() -> str:
    """The page that the form stood on, or the home page."""
    try:
        referrer = urlsplit(request.referrer or "")
    except ValueError:
        referrer = urlsplit("")
    if referrer.netloc == request.host and can_be_opened(referrer.path):
        return f"{referrer.path}{'?' if referrer.query else ''}{referrer.query}"
    return request.path if can_be_opened(request.path) else url_for("home.index")


def ask_to_sign_in() -> BaseResponse:
    """Redirects to the sign-in, and from there to the page; keeps a form that was sent."""
    if request.method != "POST":
        return redirect(url_for("accounts.login", next=request.full_path.rstrip("?")))
    page = _page()
    fields = harmless(request.form)
    typed = json.dumps(fields, ensure_ascii=False)
    # The session's row outlives the idle time; it says whose form this is.
    account = find_session(db(), session.get("_user_id") or "")
    if account is not None and fields and len(typed) <= form_keys.MAX_TYPED:
        session[_HANDLE] = form_keys.keep(
            db(),
            account.id,
            page[: form_keys.MAX_TARGET],
            action=request.path,
            sealed=seal_of(config()).close(typed),
        )
        db().commit()
    return redirect(url_for("accounts.login", next=page))


def clear_session() -> None:
    """Empties the browser's session, but for the handle of a kept form: it is bound to its account anyway."""
    handle = session.get(_HANDLE)
    session.clear()
    if handle:
        session[_HANDLE] = handle


def is_waiting() -> bool:
    """Whether this browser has a kept form to go on with."""
    return bool(session.get(_HANDLE))


def put_back(response: Response, account_id: int) -> None:
    """Fills a kept form in again when its page is shown to the account that typed it."""
    if response.status_code != 200 or response.mimetype != "text/html":
        return
    handle = session[_HANDLE]
    with services().session_factory() as own:
        kept = form_keys.kept_form(own, handle, account_id)
        if kept is not None and urlsplit(kept.page).path != request.path:
            return
        session.pop(_HANDLE)
        form_keys.drop(own, handle)
        own.commit()
    if kept is None:
        return
    try:
        fields = MultiDict((n, v) for n, v in json.loads(seal_of(config()).open(kept.sealed)))
    except (Refused, ValueError):
        return
    text = response.get_data(as_text=True)
    response.set_data(refill(text, request.path, action=kept.action, fields=fields, notice=NOTICE))
