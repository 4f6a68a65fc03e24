"""What erasure reaches."""

from __future__ import annotations

from exam_app.operations.erasure import BLANKED, REMOVED
from training_records.corrections.merging import naming_people


def test_no_table_that_names_people_is_forgotten():
    """A new table is either told about here or holds no free text beside codes."""
    named = {t.name for t in naming_people()}
    assert set(REMOVED) <= named and set(BLANKED) <= named
    codes = {
        "kind", "by", "code", "level", "form", "organiser", "title", "source_key", "reason", "how",
        "certificate_no", "recorded_by", "chain", "previous", "hash", "status", "role", "state",
        "division_code", "village_code", "key", "no", "void_reason", "replaced_by", "grade", "task",
        "period", "evidence", "photo", "theme", "holder", "digest", "decided_by", "made_by",
        "looked_by", "phone", "name", "password_hash", "comment", "situation", "done", "result",
        "text", "number", "finding", "again", "district",
    }  # fmt: skip
    for table in naming_people():
        if table.name in REMOVED:
            continue
        texts = {c.name for c in table.c if c.type.python_type is str}
        assert texts - set(BLANKED.get(table.name, ())) <= codes, table.name
