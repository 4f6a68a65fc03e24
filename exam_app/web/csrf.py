"""The token that every state change carries."""

from __future__ import annotations

from typing import Any

from flask_wtf import CSRFProtect

from exam_app.web.current import bearer


class Csrf(CSRFProtect):
    """A token in a header comes from a script: no other site's page can make a browser send it."""

    def protect(self, *args: Any, **more: Any) -> None:
        if bearer() is None:
            super().protect(*args, **more)


csrf = Csrf()
