"""Documents about a person, set from all that is on record."""
