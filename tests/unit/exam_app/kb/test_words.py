from __future__ import annotations

from exam_app.kb import words


def test_words_that_the_dictionary_names_are_not_split(tmp_path):
    assert words.cut("孩子在走读托管班".encode()) != ["孩子", "在", "走读托管班"]
    path = tmp_path / "words.txt"
    path.write_text("走读托管班 1000000 n\n", "utf-8")
    words.load_userdict(str(path))
    assert words.cut("孩子在走读托管班".encode()) == ["孩子", "在", "走读托管班"]
