"""Questions as files, and all that is computed from questions and responses.

Usable as a library without Flask and without a database:

>>> from question_bank import load_bank, score
>>> bank = load_bank()
>>> score(bank["reporting-0001"], "A")  # doctest: +SKIP
1.0
"""

from question_bank.assembly import Form, InfeasibleBlueprint, assemble
from question_bank.bank import Bank, BankError, load_bank
from question_bank.blueprint import Blueprint, load_blueprint
from question_bank.check import Problem, check_bank, clause_counts
from question_bank.question import Question, SubQuestion, parse_question
from question_bank.scoring import InvalidResponse, round_points, score, valid_response

__all__ = [
    "Bank",
    "BankError",
    "Blueprint",
    "Form",
    "InfeasibleBlueprint",
    "InvalidResponse",
    "Problem",
    "Question",
    "SubQuestion",
    "assemble",
    "check_bank",
    "clause_counts",
    "load_bank",
    "load_blueprint",
    "parse_question",
    "round_points",
    "score",
    "valid_response",
]
