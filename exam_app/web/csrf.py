"""The token that every state change carries."""

from __future__ import annotations

from flask_wtf import CSRFProtect

from exam_app.web.current import bearer


class Csrf(CSRFProtect):
    """A token in a header comes from a script: no other site's page can make a browser send it."""

    def protect(self, *args: object, **more: object) -> None:
        if bearer() is None:
            super().protect(*args, **more)


csrf = Csrf()
