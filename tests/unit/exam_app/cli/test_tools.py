from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from exam_app.cli.tools import json_text


def test_days_and_decimals_have_one_form():
    data = {
        "start": date(2026, 11, 24),
        "at": datetime(2026, 11, 24, 9, tzinfo=UTC),
        "hours": Decimal("4.5"),
        "whole": Decimal("8.00"),
        "file": Path("a/b"),
        "codes": {"b", "a"},
        "name": "王秀兰",
    }
    assert json.loads(json_text(data)) == {
        "start": "2026-11-24",
        "at": "2026-11-24T09:00:00+00:00",
        "hours": 4.5,
        "whole": 8,
        "file": "a/b",
        "codes": ["a", "b"],
        "name": "王秀兰",
    }


def test_what_has_no_form_is_an_error():
    with pytest.raises(TypeError):
        json_text({"x": object()})
