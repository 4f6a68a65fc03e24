"""The request, whose forms arrive cleaned."""

from __future__ import annotations

from flask import Request
from werkzeug.datastructures import ImmutableMultiDict

from question_bank.clean import clean

# A password is compared as it was typed.
PASSWORDS = frozenset({"password", "old", "new", "again"})


class CleanRequest(Request):
    """Cleans every text of a form but passwords."""

    def _load_form_data(self) -> None:
        if "form" in self.__dict__:
            return
        super()._load_form_data()
        self.__dict__["form"] = ImmutableMultiDict(
            (name, value if name in PASSWORDS else clean(value))
            for name, value in self.__dict__["form"].items(multi=True)
        )
