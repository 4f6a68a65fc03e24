"""Allowances (补贴) by a rule table: a monthly amount by kind of post and certificate, a yearly amount by grade."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from sqlalchemy.orm import Session

from training_records.errors import Refused
from training_records.evaluation.models import AllowanceRule, EvaluationResult
from training_records.ledger.models import Person
from training_records.xlsx import Sheet, Workbook, make_workbook

CENT = Decimal("0.01")
MAX_AMOUNT = Decimal(100000)
MONTHLY = {
    "full_time": "专职，每月",
    "part_time": "兼职，每月",
    "social_worker": "有社会工作者证书，每月另加",
}
GRADE = "grade:"
CERTIFICATE = "社会工作"


def title_of(name: str) -> str:
    """Returns the display name of a rule."""
    return MONTHLY.get(name) or f"等次“{name.removeprefix(GRADE)}”，全年"


def rules_of(session: Session, code: str, year: int) -> dict[str, Decimal]:
    """Name of a rule to its amount in yuan; empty if none were set. Names: those of `MONTHLY`, and `grade:` followed by
    a grade's name."""
    row = session.get(AllowanceRule, (code, year))
    return {name: Decimal(amount) for name, amount in row.amounts.items()} if row else {}


def keep_rules(
    session: Session, code: str, year: int, *, texts: Mapping[str, str], by: str
) -> None:
    """Sets the amounts of a year; an empty text is 0."""
    amounts = {}
    for name, text in texts.items():
        if name not in MONTHLY and not name.startswith(GRADE):
            raise Refused("没有这条规则，请刷新页面")
        try:
            amount = Decimal(text.strip() or "0")
        except InvalidOperation:
            raise Refused(f"“{text[:20]}”不是金额，写成 300 或 300.50") from None
        if (
            not amount.is_finite()
            or not 0 <= amount <= MAX_AMOUNT
            or amount != amount.quantize(CENT)
        ):
            raise Refused(f"金额填 0 到 {MAX_AMOUNT} 元，最多两位小数")
        amounts[name] = f"{amount:.2f}"
    row = session.get(AllowanceRule, (code, year))
    if row is None:
        row = AllowanceRule(division_code=code, year=year)
        session.add(row)
    row.amounts, row.updated_by = amounts, by
    session.flush()


@dataclass(frozen=True)
class Allowance:
    """A person's allowance for a year, in yuan: for the months in post, for a certificate, for the grade."""

    post: Decimal
    certificate: Decimal
    grade: Decimal

    @property
    def total(self) -> Decimal:
        """The sum of all parts."""
        return self.post + self.certificate + self.grade


def allowance(
    rules: Mapping[str, Decimal],
    full_time: bool | None,
    qualifications: str | None,
    *,
    months: Decimal,
    grade: str | None,
) -> Allowance:
    """Computes monthly amount × months in post (to a tenth of a month), half-up to the cent. A person not registered as
    full-time counts as part-time. The grade's amount is for the year and not prorated."""

    def monthly(name: str) -> Decimal:
        return (rules.get(name, Decimal(0)) * months).quantize(CENT, ROUND_HALF_UP)

    return Allowance(
        monthly("full_time" if full_time else "part_time"),
        monthly("social_worker") if CERTIFICATE in (qualifications or "") else Decimal("0.00"),
        rules.get(GRADE + (grade or ""), Decimal(0)).quantize(CENT),
    )


def allowance_workbook(
    title: str,
    rules: Mapping[str, Decimal],
    rows: Iterable[tuple[EvaluationResult, Person, str]],
) -> bytes:
    """Returns two sheets: 补贴 (one row per person with the parts, and the sum), 规则. `rows`: result, person, place."""

    def fill(book: Workbook) -> None:
        heads = ["姓名", "村（社区）", "专职/兼职", "任职月数", "等次"]
        heads += ["任职补贴（元）", "证书补贴（元）", "等次奖励（元）", "合计（元）"]
        sheet = Sheet(book, "补贴", title, heads=heads, widths=[9, 28, 16, 9, 10, 14, 14, 14, 14])
        sums = [Decimal(0)] * 4
        for result, person, place in rows:
            amounts = allowance(
                rules,
                person.full_time,
                person.qualifications,
                months=result.months,
                grade=result.grade,
            )
            parts = [amounts.post, amounts.certificate, amounts.grade, amounts.total]
            sums = [a + b for a, b in zip(sums, parts, strict=True)]
            kind = {True: "专职", False: "兼职", None: "没登记，按兼职"}[person.full_time]
            sheet.add(
                [
                    person.name,
                    place,
                    kind,
                    float(result.months),
                    result.grade or "不定等次",
                    *map(float, parts),
                ]
            )
        sheet.add(["合计", "", "", "", "", *map(float, sums)])
        table = Sheet(book, "规则", title, heads=["规则", "金额（元）"], widths=[30, 14])
        for name, amount in rules.items():
            table.add([title_of(name), float(amount)])

    return make_workbook(fill)
