"""No column for a child's identity."""

from __future__ import annotations

import re

from sqlalchemy import String, Text

from exam_app.migrations.metadata import metadata

# Words by which a column would name a child, those around it, or where it lives.
NAMING = re.compile(
    r"child_?name|kid|guardian|father|mother|parent_name|address|home_?town|school_name|"
    r"id_?(card|number)|identity_number|birth_?place|ward|小孩|儿童姓名|身份证"
)

# Tables in which a child of the caseload is spoken of, with the only texts they hold.
ABOUT_CHILDREN = {
    "case_entry": {"division_code", "code", "by"},
    "visit": {"key", "form", "photo", "district"},
    "visit_check": {"division_code", "note", "by"},
    "satisfaction_answer": {"key"},
}


def test_no_column_names_a_child():
    for table in metadata.sorted_tables:
        for column in table.c:
            assert not NAMING.search(column.name), (table.name, column.name)


def test_tables_about_children_hold_no_free_text():
    for name, allowed in ABOUT_CHILDREN.items():
        columns = metadata.tables[name].c
        assert {c.name for c in columns if isinstance(c.type, String | Text)} == allowed, name
    # What a supervisor notes of a check is short, and says so beside the field.
    assert metadata.tables["visit_check"].c.note.type.length <= 60
