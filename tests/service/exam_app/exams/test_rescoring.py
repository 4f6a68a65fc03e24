from __future__ import annotations

import pytest
from sqlalchemy import select

from exam_app.exams.export import export
from exam_app.exams.models import Answer, AttemptEvent, Rescore
from exam_app.exams.rescoring import preview, rescore
from question_bank import load_bank
from question_bank.responses import read_key
from tests.factories import SKIP, ZONE, begin, hand_in, right_answer, rightly
from training_records.archive.models import ArchiveEntry, effective
from training_records.archive.service import verify
from training_records.certificates.models import Certificate
from training_records.errors import Refused
from training_records.ledger.models import Person


@pytest.fixture
def sat(world, session, saver):
    """An exam, one question of it whose key was wrong, and two who answered it by the true key and by
    the wrong one."""
    exam = world.exam(shuffled=True)
    item = next(q for q in exam.forms[0].items if q["type"] == "single")
    frozen = load_bank()[item["id"]]
    true = next(label for label in frozen.options if label != frozen.key)
    bank = {q.id: q for q in load_bank()}
    bank[frozen.id] = frozen.model_copy(update={"key": true, "version": frozen.version + 1})

    def by_the_true_key(place):
        return true if place.item.id == frozen.id else right_answer(place.question)

    wronged = hand_in(
        session, saver, begin(session, exam, world.person(name="甲")), by_the_true_key
    )
    lucky = hand_in(session, saver, begin(session, exam, world.person(name="乙")), rightly)
    return exam, bank, frozen, wronged, lucky


def test_a_preview_changes_nothing_and_says_who(session, sat):
    exam, bank, frozen, wronged, lucky = sat
    told = preview(session, exam, bank)
    assert list(told.corrections) == [frozen.id] and told.attempts == 2
    assert [(c.name, c.old_score, c.new_score) for c in told.changes] == [
        ("甲", 98, 100),
        ("乙", 100, 98),
    ]
    assert (wronged.score, lucky.score) == (98, 100) and exam.corrections is None
    assert session.scalars(select(Rescore)).all() == []


def test_marking_again_keeps_old_and_new_and_corrects_the_archive(session, sat):
    exam, bank, _, wronged, lucky = sat
    before = {(a.attempt_id, a.slot): a.response for a in session.scalars(select(Answer))}
    with pytest.raises(Refused, match="原因"):
        rescore(session, exam, bank, reason=" ", actor="t", zone=ZONE)
    rescore(session, exam, bank, reason="答案印错", actor="t", zone=ZONE)
    session.commit()
    assert (wronged.score, lucky.score) == (100, 98)
    kept = session.scalars(select(Rescore).order_by(Rescore.attempt_id)).all()
    assert [(r.old_score, r.new_score, r.reason) for r in kept] == [
        (98, 100, "答案印错"),
        (100, 98, "答案印错"),
    ]
    notes = list(session.scalars(select(AttemptEvent.reason)))
    assert "改判 98 → 100：答案印错" in notes
    assert before == {(a.attempt_id, a.slot): a.response for a in session.scalars(select(Answer))}
    filed = session.scalars(
        select(ArchiveEntry.score).where(effective(), ArchiveEntry.kind == "exam")
    )
    assert sorted(filed) == [98, 100] and verify(session)[1] == []
    voided = session.scalars(select(Certificate.voided_at)).all()
    # Who passes before and after keeps the certificate.
    assert voided == [None, None]
    # Marking again finds nothing more to change.
    assert preview(session, exam, bank).changes == []


def test_the_response_matrix_is_scored_by_the_corrected_key(session, sat, tmp_path):
    exam, bank, frozen, wronged, lucky = sat
    rescore(session, exam, bank, reason="答案印错", actor="t", zone=ZONE)
    session.commit()
    export(session, exam.id, tmp_path)
    assert read_key(tmp_path / "key.csv")[frozen.id][0] == bank[frozen.id].key
    rows = (tmp_path / "scores.csv").read_text("utf-8").splitlines()
    at = rows[0].split(",").index(frozen.id)
    found = {int(row.split(",")[0]): row.split(",")[at] for row in rows[1:]}
    assert found == {wronged.person_id: "2", lucky.person_id: "0"}


def test_one_who_fails_by_the_corrected_key_loses_the_certificate(session, saver, world):
    exam = world.exam(attempts_allowed=1)
    exam.pass_percent = 100
    session.commit()
    person = world.person()
    attempt = hand_in(session, saver, begin(session, exam, person), rightly)
    assert attempt.passed and attempt.certificate_no
    bank = {q.id: q for q in load_bank()}
    item = next(bank[q["id"]] for q in exam.forms[0].items if q["type"] == "true_false")
    bank[item.id] = item.model_copy(update={"key": not item.key, "version": item.version + 1})
    rescore(session, exam, bank, reason="答案反了", actor="t", zone=ZONE)
    session.commit()
    assert attempt.passed is False and attempt.certificate_no is None
    (certificate,) = session.scalars(select(Certificate)).all()
    assert certificate.voided_at is not None
    result = session.scalars(select(ArchiveEntry.passed).where(effective())).all()
    assert False in result


def test_the_result_page_shows_the_corrected_key(session, saver, world, sign_in):
    exam, account = world.exam(), world.account()
    person = session.get_one(Person, account.person_id)
    attempt = hand_in(session, saver, begin(session, exam, person), lambda place: SKIP)
    bank = {q.id: q for q in load_bank()}
    item = next(bank[q["id"]] for q in exam.forms[0].items if q["type"] == "single")
    other = next(label for label in item.options if label != item.key)
    bank[item.id] = item.model_copy(update={"key": other, "version": item.version + 1})
    rescore(session, exam, bank, reason="答案印错", actor="t", zone=ZONE)
    number = attempt.id
    session.commit()
    api = sign_in(account)
    assert "答案更正过" in api.get(f"/exams/attempts/{number}/result").text
    rows = api.get(f"/api/v1/attempts/{number}").json["result"]
    assert next(r for r in rows if r["stem"] == item.stem)["key"] == other


def test_a_newer_version_of_another_shape_is_skipped_with_the_reason(session, sat):
    exam, bank, frozen, *_ = sat
    options = {**frozen.options, "E": "另一项"}
    bank[frozen.id] = bank[frozen.id].model_copy(update={"options": options})
    told = preview(session, exam, bank)
    assert told.corrections == {} and "不能给旧答案评分" in told.skipped[frozen.id]
