from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_records.ledger import values


@pytest.mark.parametrize(
    "spelling",
    [
        "2023.5",
        2023.5,
        "2023年5月",
        "2023-05-01",
        "2023/5/1",
        "20230501",
        45047,
        45047.0,
        "45047",
        datetime(2023, 5, 1),
        "2023.5.1",
        "2023年5月1日",
        "2023.05",
        "2023-5",
    ],
)
def test_dates_as_offices_type_them(spelling):
    assert values.day(spelling) == date(2023, 5, 1)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("2023年2月31日", "没有"),
        ("2023年", "只有年份"),
        ("明年", "看不懂"),
        ("2023.13", "没有"),
        (True, "看不懂"),
        ("1850-01-01", "年份"),
    ],
)
def test_dates_that_are_none(bad, reason):
    with pytest.raises(ValueError, match=reason):
        values.day(bad)


@given(st.dates(date(1955, 1, 1), date(2099, 12, 31)))
def test_a_date_comes_back_from_every_full_spelling(day):
    serial = (day - values.EXCEL_EPOCH).days
    for spelling in (
        day.isoformat(),
        f"{day.year}年{day.month}月{day.day}日",
        f"{day.year}/{day.month}/{day.day}",
        f"{day:%Y%m%d}",
        serial,
        float(serial),
    ):
        assert values.day(spelling) == day


@pytest.mark.parametrize(
    "spelling",
    [
        13800001234.0,
        "138 0000 1234",
        "13800001234",
        " 13800001234 ",
        "138-0000-1234",
        "+8613800001234",
        "13800001234.0",
        13800001234,
    ],
)
def test_phones(spelling):
    assert values.phone(spelling) == "13800001234"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("1380000", "只有 7 位"),
        ("", "没有填"),
        (None, "没有填"),
        ("1380000123a", "不是数字"),
        ("23800001234", "开头"),
        ("138000012345", "12 位"),
    ],
)
def test_phones_that_are_none(bad, reason):
    with pytest.raises(ValueError, match=reason):
        values.phone(bad)


def test_identity_checks_its_digit_and_folds_x():
    assert values.identity("11010519491231002x") == "11010519491231002X"
    for bad, reason in (
        ("110105194912310021", "校验"),
        ("1101051949", "10 位"),
        (1.1010519491231e17, "变成了数字"),
        ("11010519491331002X", "校验|不存在"),
    ):
        with pytest.raises(ValueError, match=reason):
            values.identity(bad)


def test_names_keep_only_letters():
    assert values.name("王 秀兰") == "王秀兰"
    assert values.name("古丽·买买提") == "古丽·买买提"
    for bad in ("", "  ", "王3", "王（代）", "x" * 41):
        with pytest.raises(ValueError):
            values.name(bad)


@given(st.one_of(st.none(), st.text(), st.floats(), st.integers(), st.booleans(), st.datetimes()))
def test_parsers_refuse_with_value_error_only(anything):
    for parser in (
        values.day,
        values.phone,
        values.name,
        values.identity,
        values.yes_no,
        values.count,
        values.role,
        values.gender,
        values.email,
        values.short(20),
    ):
        try:
            parser(anything)
        except ValueError as error:
            assert str(error)
