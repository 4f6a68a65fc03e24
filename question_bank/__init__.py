"""Item bank files, and everything that is computed from items and responses.

Usable as a library, without Flask and without a database:

>>> from question_bank import load_bank, score
>>> bank = load_bank()
>>> score(bank["reporting-0001"], "A")  # doctest: +SKIP
1.0
"""

from question_bank.assembly import Form, InfeasibleBlueprint, assemble
from question_bank.balance import Balance, balance
from question_bank.bank import Bank, BankError, load_bank
from question_bank.blueprint import Blueprint, load_blueprint
from question_bank.check import Problem, check_bank, is_negative, point_counts, to_review
from question_bank.pool import Pool, load_pool
from question_bank.question import Answerable, Question, SubQuestion, parse_question, parts_of
from question_bank.response import InvalidResponse, Response, valid_response
from question_bank.scoring import round_points, score
from question_bank.similarity import near_duplicates

__all__ = [
    "Answerable",
    "Balance",
    "Bank",
    "BankError",
    "Blueprint",
    "Form",
    "InfeasibleBlueprint",
    "InvalidResponse",
    "Pool",
    "Problem",
    "Question",
    "Response",
    "SubQuestion",
    "assemble",
    "balance",
    "check_bank",
    "is_negative",
    "load_bank",
    "load_blueprint",
    "load_pool",
    "near_duplicates",
    "parse_question",
    "parts_of",
    "point_counts",
    "round_points",
    "score",
    "to_review",
    "valid_response",
]
