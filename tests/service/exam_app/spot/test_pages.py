"""A spot check by page."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from exam_app.spot.models import SpotCheck, SpotItem
from exam_app.spot.service import QUESTIONS
from tests.factories import (
    OTHER_VILLAGE,
    VILLAGE,
    VILLAGE_2,
    today,
)


def test_a_spot_check_from_draw_to_mending(world, session, office, other):
    for code in (VILLAGE, VILLAGE_2, VILLAGE):
        world.person(code)
    world.person(OTHER_VILLAGE)
    session.commit()
    due = (today() + timedelta(days=30)).isoformat()
    assert office.form("/spot", size="0", seed="7", due=due).status_code == 422
    assert office.form("/spot", size="2", seed="7", due="2020-01-01").status_code == 422
    shown = office.form("/spot", size="2", seed="7", due=due).location
    check = session.scalars(select(SpotCheck)).one()
    first, second = [item.person_id for item in check.items]
    session.commit()
    assert other.get(shown).status_code == 404
    assert "种子 7" in office.get(shown).text
    yes = dict.fromkeys(QUESTIONS, "yes")
    assert office.form(f"{shown}/{first}", **yes).status_code == 302
    assert "还没有选" in office.form(f"{shown}/{second}", posts="yes").text
    wrong = {**yes, "hours": "no"}
    assert "写明问题" in office.form(f"{shown}/{second}", **wrong).text
    office.form(f"{shown}/{second}", **wrong, finding="签到表少一页")
    assert "要整改 1 份" in office.get(shown).text
    office.form(f"{shown}/{second}", again="已补齐")
    session.expire_all()
    states = dict(session.execute(select(SpotItem.person_id, SpotItem.state)).all())
    assert states == {first: "fine", second: "mended"}
    session.commit()
    again = office.form("/spot", size="2", seed="7", due=due).location
    checks = session.scalars(select(SpotCheck).order_by(SpotCheck.id)).all()
    assert again != shown
    assert [i.person_id for i in checks[0].items] == [i.person_id for i in checks[1].items]
