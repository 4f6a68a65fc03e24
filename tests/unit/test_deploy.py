"""What `deploy/` says is so: settings, commands and figures that it names exist."""

from __future__ import annotations

import re
from dataclasses import fields

import click

from exam_app.config import PREFIX, ROOT, Config
from tests.commands import all_commands

DEPLOY = ROOT / "deploy"
HANDBOOK = (DEPLOY / "README.md").read_text("utf-8")
TEXTS = "\n".join(p.read_text("utf-8") for p in DEPLOY.iterdir() if p.is_file())


def test_every_setting_that_is_named_exists():
    known = {PREFIX + f.name.upper() for f in fields(Config)}
    named = set(re.findall(rf"{PREFIX}[A-Z_]+", TEXTS + (ROOT / "README.md").read_text("utf-8")))
    assert named <= known and len(named) >= 9


def test_every_command_that_is_named_exists():
    for words in re.findall(r"academy (?!academy)((?:[a-z][a-z-]+ ?)+)", TEXTS):
        command: click.Command = all_commands()
        for word in words.split():
            if not isinstance(command, click.Group) or word not in command.commands:
                break
            command = command.commands[word]
        assert not isinstance(command, click.Group), words


def test_every_file_that_the_handbook_names_is_there():
    named = set(re.findall(r"`([\w-]+\.(?:ini|yml|conf|service|timer|json|md))`", HANDBOOK))
    assert len(named) >= 7
    assert all((DEPLOY / name).is_file() for name in named)
    assert (DEPLOY / "try-cluster").stat().st_mode & 0o111


# Requirements of levels 1 and 2 by section, as the standard counts them.
ASVS = {
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2, "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1,
    "3.2": 2, "3.3": 4, "3.4": 6, "3.5": 5, "3.7": 2, "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4,
    "5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3, "6.1": 3, "6.2": 11, "6.3": 3, "6.4": 4, "6.5": 5,
    "6.6": 3, "6.8": 3, "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2, "8.1": 2,
    "8.2": 3, "8.3": 1, "8.4": 1, "9.1": 3, "9.2": 4, "10.1": 2, "10.2": 2, "10.3": 4, "10.4": 11,
    "10.5": 5, "10.6": 2, "10.7": 3, "11.1": 2, "11.2": 3, "11.3": 3, "11.4": 3, "11.5": 1,
    "11.6": 1, "12.1": 3, "12.2": 2, "12.3": 4, "13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5,
    "14.1": 2, "14.2": 4, "14.3": 3, "15.1": 3, "15.2": 3, "15.3": 7, "16.1": 1, "16.2": 5,
    "16.3": 4, "16.4": 3, "16.5": 3,
}  # fmt: skip
ANSWERS = {"是", "部分", "运维", "否", "不涉及"}


def test_every_requirement_of_the_standard_is_answered():
    page = (DEPLOY / "asvs.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+\.\d+)\.(\d+) \| ([12]) \| (.+?) \| (\S+) \| (.+) \|$", page, re.M)
    counted: dict[str, int] = {}
    for section, _, _, _, answer, ground in rows:
        counted[section] = counted.get(section, 0) + 1
        assert answer in ANSWERS, (section, answer)
        assert answer not in ("部分", "否") or len(ground) > 3, section
    assert counted == ASVS
    assert len({(s, n) for s, n, *_ in rows}) == len(rows)
    for path in re.findall(r"`((?:tests|exam_app|training_records|deploy)/[\w/.-]+)`", page):
        assert (ROOT / path).exists(), path


SPECIAL = {
    "ON CONFLICT": r"ON CONFLICT|on_conflict_do",
    "RETURNING": r"RETURNING|\.returning\(",
    "MATERIALIZED": r"AS MATERIALIZED",
    "FOR KEY SHARE": r"FOR KEY SHARE",
    "jsonb_to_recordset": r"jsonb_to_recordset",
    "SKIP LOCKED": r"skip_locked|SKIP LOCKED",
    "JSONB": r"::jsonb|JSONB\(",
    "COPY": r"COPY \{",
    "部分索引": r"postgresql_where",
    "队列": r"from procrastinate",
    "PARTITION": r"PARTITION OF|ATTACH PARTITION",
    "pg_": r"pg_(class|constraint|inherits|get_|dump|restore|is_in|last_|current_|stat_)",
}


def test_the_page_on_databases_names_every_place():
    """Each file that uses what not every database has stands in the row about it, and no other does."""
    page = (ROOT / "deploy" / "databases.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and ".py`" in line]
    assert len(rows) == len(SPECIAL)
    files = [
        path
        for package in ("exam_app", "training_records", "question_bank")
        for path in sorted((ROOT / package).rglob("*.py"))
        if "migrations" not in path.parts
    ]
    for name, pattern in SPECIAL.items():
        row = next(r for r in rows if name in r.split("|")[1])
        told = set(re.findall(r"`([\w/]+\.py)`", row))
        used = {
            p.relative_to(ROOT).as_posix()
            for p in files
            if re.search(pattern, p.read_text("utf-8"))
        }
        assert told == used, name
