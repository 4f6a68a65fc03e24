from __future__ import annotations

import pytest

from training_records.ledger import checks
from training_records.ledger.rows import PARSERS


@pytest.mark.parametrize("key", checks.RESULTS)
def test_keys_and_labels_are_read_alike(key):
    label = checks.RESULTS[key]
    assert checks.result_key(key) == checks.result_key(label) == key
    assert checks.result_label(key) == checks.result_label(label) == label
    assert checks.is_clean(key) == checks.is_clean(label) == (key == "clean")


@pytest.mark.parametrize(
    "text", ["无犯罪记录", "无", "无记录（待复核）", "Clean", "clean ", "", None]
)
def test_other_text_stays_and_is_never_clean(text):
    assert checks.result_key(text) == text and checks.result_label(text) == (text or "")
    assert not checks.is_clean(text)


def test_a_result_is_read_as_typed():
    read = PARSERS["background_result"]
    assert [read(text) for text in (" 无记录 ", "有记录", "无犯罪记录", "")] == [
        "clean",
        "record",
        "无犯罪记录",
        None,
    ]
    with pytest.raises(ValueError, match="最多 20"):
        read("无" * 21)


@pytest.mark.parametrize("key", checks.RESULTS)
def test_nobody_types_a_key(key):
    with pytest.raises(ValueError, match=checks.RESULTS[key]):
        PARSERS["background_result"](key)


def test_a_label_in_other_words_leaves_stored_ones_readable(monkeypatch):
    monkeypatch.setitem(checks.RESULTS, "clean", "未查到记录")
    assert checks.is_clean("无记录") and checks.result_label("无记录") == "未查到记录"
