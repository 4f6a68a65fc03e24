"""Values are sealed with keys that change."""

from __future__ import annotations

import pytest

from exam_app.core.sealing import Seal
from training_records.errors import Refused


def test_sealed_with_changing_keys():
    old, new = Seal(["first"]), Seal(["second", "first"])
    sealed = old.close("370283198001011234")
    assert "370283" not in sealed and new.open(sealed) == "370283198001011234"
    again = new.renew(sealed)
    assert Seal(["second"]).open(again) == "370283198001011234"
    for call in (Seal(["third"]).open, Seal(["third"]).renew):
        with pytest.raises(Refused, match="密钥"):
            call(sealed)
