"""Errors of the records. Messages are Chinese and tell the user what to do."""


class RecordsError(Exception):
    """The operation was refused; nothing was changed."""


class NotFound(RecordsError):
    """The object doesn't exist or lies outside the caller's scope."""


class Refused(RecordsError):
    """The values, or the current state, don't allow the operation."""


class Stale(Refused):
    """Somebody else has changed it since the page was made."""
