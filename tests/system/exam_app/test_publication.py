"""The knowledge base is built anew with what was published."""

from __future__ import annotations

from exam_app.exemplars.jobs import publish_job
from tests.factories import CITY, DISTRICT, VILLAGE, work_off
from training_records.exemplars.models import Exemplar


def test_the_job_builds_the_site(world, session, app, sign_in):
    """The real handler, in a process of its own."""
    from exam_app.exemplars.jobs import ask_publication

    city = sign_in(world.account("city", CITY))
    person = world.person(VILLAGE, name="王秀兰")
    session.add(
        Exemplar(
            person_id=person.id,
            division_code=DISTRICT,
            village_code=VILLAGE,
            year=2026,
            material="x",
            words="风雨无阻",
            state="chosen",
            nominated_by="t",
        )
    )
    ask_publication(session, CITY, "t")
    ask_publication(session, CITY, "t")
    session.commit()
    assert work_off(app, {"publish": publish_job}) == 1
    assert "王秀兰" in app.test_client().get("/kb/cases/published/").text
    assert "知识库已经更新" in city.get("/jobs/1").text
