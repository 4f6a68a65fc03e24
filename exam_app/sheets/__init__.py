"""Exams on paper: booklets and answer sheets to print, scans of the sheets read, doubts shown to people.

A sheet knows its person and form by the code in its QR; `layout` says where each mark is, `printing` prints
it, `reading` finds it again in a picture, `service` turns what was read into an attempt like any other.
"""
