from __future__ import annotations

import io

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_records.ledger.values import text
from training_records.xlsx import Sheet, csv_cell, make_workbook, without_guard

SUSPECT = ["+86-532-8888", "-", "@x", "=1+1", "'=1+1", "'", "平常"]


@pytest.mark.parametrize("value", SUSPECT)
def test_a_cell_is_text_and_comes_back_as_it_was(value):
    def fill(book):
        Sheet(book, "表", "标题", heads=["甲"]).add([value])

    cell = openpyxl.load_workbook(io.BytesIO(make_workbook(fill))).active["A3"]
    assert cell.value == value
    assert cell.data_type == "s"
    assert cell.quotePrefix == (value[0] in "+-@=")


@given(st.text(min_size=1, max_size=20))
def test_the_guard_of_a_csv_cell_comes_off_again(value):
    guarded = csv_cell(value)
    assert guarded[0] not in "=+-@\t\r"
    assert without_guard(guarded) == (without_guard(value) if guarded == value else value)


def test_an_import_takes_the_guard_off():
    assert text("'+86-532-8888") == "+86-532-8888"
    assert text("'-") == "-"
