"""Imports all tables, so that migrations see the whole metadata."""

# ruff: noqa: F401
import exam_app.audit.models
import exam_app.core.form_keys
import exam_app.exams.models
import exam_app.identity.models
import exam_app.jobs.models
import exam_app.learn.models
import exam_app.outbox.models
import exam_app.practice.models
import exam_app.reminders.models
import exam_app.sheets.models
import exam_app.spot.models
import training_records.archive.models
import training_records.certificates.models
import training_records.chain
import training_records.coverage.running
import training_records.divisions
import training_records.evaluation.models
import training_records.events.models
import training_records.exemplars.models
import training_records.inspection.models
import training_records.ledger.models
import training_records.work.models
from training_records.database import Base

metadata = Base.metadata

__all__ = ["metadata"]
