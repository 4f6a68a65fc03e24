"""Documents about a person, compiled from the records."""
