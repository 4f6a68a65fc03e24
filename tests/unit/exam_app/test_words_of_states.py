"""Every value that a column takes has its Chinese word, and no word is left over."""

from typing import get_args

import pytest

from exam_app.exams import states
from exam_app.exams.models import AttemptState
from exam_app.identity import models as identity
from exam_app.jobs import views as job_views
from exam_app.jobs.models import JobState
from exam_app.learn import editor_views
from exam_app.learn.models import CourseState
from exam_app.reminders import models as reminders
from exam_app.spot import views as spot_views
from exam_app.spot.models import SpotItemState
from training_records.archive import models as archive
from training_records.coverage import definition
from training_records.coverage.models import CoverageStatus
from training_records.evaluation import models as evaluation
from training_records.events import models as events
from training_records.exemplars import models as exemplars
from training_records.inspection import models as inspection
from training_records.ledger import models as ledger
from training_records.work import models as work


@pytest.mark.parametrize(
    "values, words",
    [
        (AttemptState, states.WORDS),
        (identity.AccountRole, identity.ROLES),
        (JobState, job_views.WORDS),
        (CourseState, editor_views.STATES),
        (reminders.ReminderKind, reminders.KINDS),
        (SpotItemState, spot_views.STATES),
        (archive.EntryKind, archive.KINDS),
        (CoverageStatus, definition.STATUS_NAMES),
        (evaluation.RunState, evaluation.STATES),
        (events.EventState, events.STATES),
        (events.EnrolmentState, events.ENROLMENTS),
        (events.AttendanceState, events.PRESENCE),
        (events.CheckIn, events.HOW),
        (exemplars.ExemplarState, exemplars.STATES),
        (inspection.CaseState, inspection.CASE_STATES),
        (work.VisitForm, work.FORMS),
        (ledger.PostRole, ledger.ROLES),
        (ledger.AbsenceKind, ledger.ABSENCES),
        (ledger.ChangeKind, ledger.CHANGES),
    ],
)
def test_every_value_has_its_word(values, words):
    assert set(words) == set(get_args(values))
