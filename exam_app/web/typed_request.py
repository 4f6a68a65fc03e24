"""The request, whose forms arrive cleaned."""

from __future__ import annotations

from typing import Any

from flask import Request
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.exceptions import BadRequest

from question_bank.clean import clean

# A password is compared as it was typed.
PASSWORDS = frozenset({"password", "old", "new", "again"})


class CleanRequest(Request):
    """Cleans every text of a form but passwords; JSON that nests too deeply to be read is not valid."""

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """The parsed body; with `silent`, None for what can't be read."""
        try:
            return super().get_json(force=force, silent=silent, cache=cache)
        except RecursionError:
            if silent:
                return None
            raise BadRequest from None

    def _load_form_data(self) -> None:
        if "form" in self.__dict__:
            return
        super()._load_form_data()
        self.__dict__["form"] = ImmutableMultiDict(
            (name, value if name in PASSWORDS else clean(value))
            for name, value in self.__dict__["form"].items(multi=True)
        )
