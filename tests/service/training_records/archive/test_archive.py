from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select, text

from tests.factories import DISTRICT, OTHER_VILLAGE
from training_records.archive.experience import experience_text
from training_records.archive.models import ArchiveEntry
from training_records.archive.service import NewEntry, append, entries_of, verify, void
from training_records.certificates.pdf import CertificateFields, certificates_pdf
from training_records.certificates.service import (
    find,
    issue,
    issue_for_training,
    make_template,
    mask_name,
    of_person,
    reissue,
    void_certificate,
)
from training_records.chain import GENESIS, ChainHead, anchor, digest, parse_anchor
from training_records.errors import Refused


@pytest.fixture
def filled(session, world):
    person, other = world.person(), world.person(OTHER_VILLAGE)
    for month in (1, 2, 3):
        world.entry(person, day=date(2026, month, 1))
        world.entry(other, day=date(2026, month, 1))
    return person


def test_an_untouched_archive_verifies(session, filled):
    assert verify(session) == (6, [])


TAMPERING = {
    "hours": "UPDATE archive_entry SET hours = 80 WHERE seq = 2 AND chain LIKE '%370283%'",
    "date": "UPDATE archive_entry SET date = '2025-01-01' WHERE seq = 2 AND chain LIKE '%370283%'",
    "person": "UPDATE archive_entry SET person_id = (SELECT max(id) FROM person) WHERE seq = 1 AND chain LIKE '%370283%'",
    "hash": "UPDATE archive_entry SET hash = '0' WHERE seq = 2 AND chain LIKE '%370283%'",
    "middle": "DELETE FROM archive_entry WHERE seq = 2 AND chain LIKE '%370283%'",
    "tail": "DELETE FROM archive_entry WHERE seq = 3 AND chain LIKE '%370283%'",
    "all": "DELETE FROM archive_entry WHERE chain LIKE '%370283%'",
    "head": "UPDATE chain_head SET seq = 2 WHERE name LIKE '%370283%'",
    "insert": "INSERT INTO archive_entry (id, chain, seq, person_id, kind, date, title, induction, recorded_by, recorded_at, previous, hash)"
    " SELECT 999, chain, 4, person_id, kind, date, title, induction, recorded_by, recorded_at, previous, hash"
    " FROM archive_entry WHERE seq = 3 AND chain LIKE '%370283%'",
    "swap": "UPDATE archive_entry SET seq = seq + 10 WHERE seq = 3 AND chain LIKE '%370283%'",
}


@pytest.mark.parametrize("how", TAMPERING)
def test_tampering_is_found_and_located(session, filled, how):
    session.execute(text(TAMPERING[how]))
    session.commit()
    session.expire_all()
    _, breaks = verify(session)
    assert breaks
    assert {b.chain for b in breaks} == {"archive:370283000000"}


def test_a_chain_written_anew_as_a_whole_is_found_by_its_anchor(session, filled):
    """Somebody with the code changes an entry and computes all hashes after it."""
    lines = anchor(session, date(2026, 11, 24))
    assert anchor(session, date(2026, 11, 24)) == [] and len(lines) == 2
    session.commit()
    assert verify(session) == (6, [])
    entries = session.scalars(
        select(ArchiveEntry).where(ArchiveEntry.chain.contains("370283")).order_by(ArchiveEntry.seq)
    ).all()
    head, previous = session.get(ChainHead, entries[0].chain), GENESIS
    for entry in entries:
        entry.hours = Decimal(80)
        entry.previous, entry.hash = previous, digest(previous, entry.seq, entry.content())
        previous = entry.hash
    head.hash = previous
    session.flush()
    outside = [parse_anchor(line) for line in lines]
    (found,) = verify(session)[1]
    assert (found.chain, found.seq) == ("archive:370283000000", 3)
    session.execute(text("DELETE FROM chain_anchor"))
    assert verify(session)[1] == []
    (found,) = verify(session, outside)[1]
    assert (found.chain, found.seq) == ("archive:370283000000", 3)
    session.rollback()


def test_certificates_are_voided_and_issued_anew(session, world):
    person = world.person(name="王秀兰")
    world.entry(person, day=date(2026, 11, 24))
    values = {"heading": "儿童主任培训", "prefix": "pd", "valid_months": 36}
    with pytest.raises(Refused, match="holder"):
        make_template(session, DISTRICT, name="结业证书", body="准予结业。", **values)
    with pytest.raises(Refused, match="三个空"):
        make_template(session, DISTRICT, name="结业证书", body="{holder}{salary}", **values)
    body = "{holder}同志参加“{title}”，准予结业。"
    template = make_template(session, DISTRICT, name="结业证书", body=body, **values)
    day = date(2026, 11, 24)
    assert issue_for_training(session, "370283", "培训", on=day, template=template, by="x") == (
        1,
        0,
    )
    assert issue_for_training(session, "370283", "培训", on=day, template=template, by="x") == (
        0,
        1,
    )
    with pytest.raises(Refused, match="没有叫"):
        issue_for_training(session, "370281", "培训", on=day, template=template, by="x")
    (first,) = of_person(session, person.id)
    assert first.no.startswith("PD2026-") and first.valid_until == date(2029, 11, 23)
    person.name = "王秀岚"
    new = reissue(session, first, "名字写错了", by="x")
    assert (first.replaced_by, new.holder, new.entry_id) == (new.no, "王秀岚", first.entry_id)
    with pytest.raises(Refused, match="作废过"):
        void_certificate(session, first, "再来", by="x")
    kinds = [(e.kind, e.certificate_no) for e in entries_of(session, person.id)]
    assert sorted(kinds, key=str) == [("certificate", new.no), ("training", None)]
    assert verify(session)[1] == []


def test_the_same_source_enters_once(session, world):
    person = world.person()
    entry = NewEntry(
        person.id, "course", date(2026, 1, 1), "课", hours=Decimal(8), source_key="course:1"
    )
    assert append(session, entry, "a").id == append(session, entry, "b").id
    assert len(entries_of(session, person.id)) == 1


def test_voiding_is_a_new_entry_with_a_reason(session, world):
    person = world.person()
    entry = world.entry(person)
    with pytest.raises(Refused, match="原因"):
        void(session, entry.id, " ", by="x")
    void(session, entry.id, "录错了", by="x")
    assert entries_of(session, person.id) == []
    assert len(entries_of(session, person.id, all_rows=True)) == 2
    with pytest.raises(Refused, match="已经作废"):
        void(session, entry.id, "再来", by="x")
    assert verify(session)[1] == []


def test_certificates_are_issued_once_and_can_t_be_guessed(session, world):
    person = world.person(name="王秀兰")
    entry = world.entry(person, "exam")
    first = issue(session, person, entry, title="初任考核", organiser="青岛市民政局", by="x")
    assert (
        issue(session, person, entry, title="初任考核", organiser="青岛市民政局", by="x").no
        == first.no
    )
    assert find(session, first.no.lower()) is first
    assert find(session, first.no[:-1] + ("A" if first.no[-1] != "A" else "B")) is None
    assert len(first.no.split("-", 1)[1].replace("-", "")) == 12
    assert certificates_pdf(
        [CertificateFields(first, None, "平度市云桥镇前河村", "http://127.0.0.1/verify/x")]
    ).startswith(b"%PDF")
    assert mask_name("王秀兰") == "王**"


def test_experience_text_is_short_and_whole(session, world):
    person = world.person()
    for year in range(2015, 2027):
        world.entry(person, day=date(year, 5, 1), organiser="平度市民政局")
    result = experience_text(session, person)
    assert len(result) <= 200
    assert result.startswith("2024.01—今 平度市云桥镇前河村儿童主任；2026.05")
    assert result.endswith("。")
