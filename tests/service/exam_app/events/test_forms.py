"""How a training is held reads the same whether a key is stored or a label from before there were keys."""

from __future__ import annotations

import io

import pytest
from docx import Document
from sqlalchemy import select, update

from exam_app.reports.annual import annual_docx, gather
from tests.factories import CITY, ZONE
from tests.service.exam_app.events.test_events import build
from training_records.events.models import Event, EventSession


@pytest.mark.parametrize("form", ["live", "直播"])
def test_pages_and_papers_show_the_label(city, session, form):
    path = build(city)
    assert session.scalars(select(Event.form)).all() == ["in_person"]
    session.execute(update(Event).values(form=form))
    session.commit()
    assert '<option selected value="直播">直播</option>' in city.get(path).text
    notice = Document(io.BytesIO(city.get(f"{path}/papers/notice.docx").data))
    assert ["培训形式", "直播"] in [[c.text for c in r.cells] for r in notice.tables[0].rows]
    day = session.scalars(select(EventSession.starts_at)).one().astimezone(ZONE).date()
    report = Document(
        io.BytesIO(annual_docx(session, gather(session, CITY, day.year, as_of=day, zone=ZONE)))
    )
    assert "直播" in [row.cells[2].text for table in report.tables for row in table.rows]
    session.commit()
