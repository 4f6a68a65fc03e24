"""A doubt about an item."""

from __future__ import annotations

from exam_app.exams import service
from tests.factories import (
    DISTRICT,
    OTHER_DISTRICT,
    blank,
    hand_in,
)


def test_a_doubt_is_made_once_answered_once_and_seen(world, session, saver, sign_in):
    exam, account = world.exam(), world.account()
    attempt = service.start(session, exam.id, account.person_id)
    session.commit()
    hand_in(session, saver, attempt, blank)
    number, room = attempt.id, f"/exams/manage/{exam.id}"
    session.commit()
    api, office = sign_in(account), sign_in(world.account("district", DISTRICT))
    page, path = f"/exams/attempts/{number}/result", f"/exams/attempts/{number}/doubt"
    refused = api.form(path, text=" ")
    assert refused.status_code == 422 and "请写明对哪一题有疑问" in refused.text
    api.form(path, text="第 3 题我填的是对的")
    assert "请等答复" in api.form(path, text="再问一次").text
    shown = api.get(page).text
    assert "第 3 题我填的是对的" in shown and "再问一次" not in shown
    other = sign_in(world.account())
    assert other.form(path, text="x").status_code == 404
    stranger = sign_in(world.account("district", OTHER_DISTRICT))
    assert "第 3 题我填的是对的" not in stranger.get(room).text
    assert stranger.form(f"{room}/doubts/1", answer="x").status_code == 404
    assert "第 3 题我填的是对的" in office.get(room).text
    office.form(f"{room}/doubts/1", answer="查过了，评分没有错")
    office.form(f"{room}/doubts/1", answer="改口")
    shown = api.get(page).text
    assert "查过了，评分没有错" in shown and "改口" not in shown and "申请复核" in shown
