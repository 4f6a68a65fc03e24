"""`/styleguide`: each component in all its states; only in a demonstration or while developing."""

from __future__ import annotations

from flask import Blueprint, abort, current_app, render_template, request

from exam_app import web
from exam_app.web.access import PUBLIC, access
from exam_app.web.icons import ICONS
from exam_app.web.navigation import navigation
from exam_app.web.stylesheet import colours

styleguide = Blueprint("styleguide", __name__)


SIZES = ("18", "20", "22", "26")
DRAWINGS = ("visit", "call", "notebook", "certificate", "learning", "desk")


@styleguide.get("/styleguide")
@access(PUBLIC)
def index() -> str:
    """`?theme=`, `?size=` and `?desk=1` choose how it is shown."""
    if not (web.config().demo or current_app.debug or current_app.testing):
        abort(404)
    theme, size = request.args.get("theme"), request.args.get("size")
    return render_template(
        "styleguide/index.html",
        theme=theme if theme in ("light", "dark") else "",
        size=size if size in SIZES else "",
        desk="desk" in request.args,
        sizes=SIZES,
        colours=colours(),
        icons=ICONS,
        drawings=DRAWINGS,
        nav=navigation("director"),
    )
