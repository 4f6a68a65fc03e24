"""Paper exams: printing booklets and answer sheets, reading scans, resolving doubtful marks, scoring.

The code in a sheet's QR identifies its person and form. `layout` computes every position,
`printing` prints a sheet, `reading` reads it from a picture, `service` turns the readings into an
attempt.
"""
