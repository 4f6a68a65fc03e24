"""Errors of the records; every message is Chinese and says what to do."""


class RecordsError(Exception):
    """A refused verb; nothing was changed."""


class NotFound(RecordsError):
    """There is no such thing, or it lies outside the caller's scope."""


class Refused(RecordsError):
    """The values don't allow it."""
