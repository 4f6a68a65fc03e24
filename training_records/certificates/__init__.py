"""Certificates: issued for passed exams and training, verified by anyone who has the number."""
