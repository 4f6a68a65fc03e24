"""Declared forms: every field says its label and its limits once; pages, checks and messages follow from that.

What is typed is cleaned before it gets here (`CleanRequest`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, Self, TypeVar

from flask import g, request
from markupsafe import Markup
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    DateField,
    DateTimeLocalField,
    DecimalField,
    Field,
    FileField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    widgets,
)
from wtforms import Form as PlainForm
from wtforms.fields.choices import SelectChoice
from wtforms.i18n import get_translations
from wtforms.validators import (
    InputRequired,
    Length,
    NumberRange,
    Optional,
    StopValidation,
    ValidationError,
)

from exam_app.web.current import config
from question_bank.clean import clean_line, clean_number, clean_phone
from training_records.errors import Refused
from training_records.ledger import values

MAX_WHOLE = 999_999_999
T = TypeVar("T")


class Form(PlainForm):
    """A form of a page. `typed` reads a request; `shown` is for the page, and gives a refused form back.

    `key` tells apart the forms of one kind on a page, one for each row. Field ids are unique on the page: `id_prefix`,
    name and key. The request is protected from forgery as a whole, so forms carry no token of their own.
    """

    class Meta:
        """Messages of WTForms in Chinese."""

        def get_translations(self, form: PlainForm) -> object:
            return get_translations(["zh"])

    id_prefix: ClassVar[str] = ""
    refusal = ""
    # Somebody else has saved meanwhile.
    is_stale = False
    key = ""

    @classmethod
    def typed(cls, key: object = "", **choices: object) -> Self:
        """The form as it was sent. `choices`: field to its choices."""
        return cls._made(request.form, key=key, choices=choices)

    @classmethod
    def shown(
        cls, key: object = "", *, given: Mapping[str, object] | None = None, **choices: object
    ) -> Self:
        """The form for a page, with the values `given`; the refused form itself when this is it."""
        refused = g.get("refused_form")
        if type(refused) is cls and refused.key == str(key):
            return refused
        return cls._made(None, key=key, choices=choices, given=given)

    @classmethod
    def _made(
        cls,
        sent: MultiDict[str, str] | None,
        *,
        key: object,
        choices: Mapping[str, object],
        given: Mapping[str, object] | None = None,
    ) -> Self:
        form = cls(sent, data=given or {})
        form.key = str(key)
        for field in form:
            if field.name in choices:
                field.choices = _offered(choices[field.name])
            field.id = f"{cls.id_prefix}{field.name}{'-' if form.key else ''}{form.key}"
            field.label.field_id = field.id
        return form

    def validate(self, extra_validators: Any = None) -> bool:
        """Checks every field; of a field, the first thing that is wrong is enough."""
        valid = super().validate(extra_validators)
        for field in self:
            field.errors = list(field.errors)[:1]
        return bool(valid)

    @property
    def came_back(self) -> bool:
        """Whether this is a form that was refused."""
        return bool(self.errors or self.refusal)

    @property
    def has_file(self) -> bool:
        """Whether the form takes a file."""
        return any(isinstance(field, FileField) for field in self)

    @property
    def faults(self) -> list[tuple[str, str, str]]:
        """What is wrong, as (id of the field, its label, message)."""
        return [(f.id, f.label.text, str(f.errors[0])) for f in self if f.errors]


def pressed(name: str) -> bool:
    """Whether a form was sent by the button of this name."""
    return name in request.form


def sent_id(name: str) -> int | None:
    """The id that a button or a hidden field carries; no person has typed it."""
    number = request.form.get(name, type=int)
    return number if number is not None and 0 < number < 2**31 else None


def sent_values(name: str) -> list[str]:
    """What the hidden fields or ticks of this name carry."""
    return request.form.getlist(name)


def sent_fields() -> MultiDict[str, str]:
    """All fields, for answers to questions: the question itself is their model, and checks them."""
    return request.form


def _checks(label: str, needed: bool | str, most: int = 0) -> list[Any]:
    """`needed`: False, True, or the message for an empty field."""
    said = needed if isinstance(needed, str) else f"请填{re.sub('（.*?）$', '', label)}"
    checks: list[Any] = [InputRequired(said) if needed else Optional()]
    if most:
        checks.append(Length(max=most, message=f"最多 {most} 个字，请缩短"))
    return checks


def _offered(pairs: Any) -> list[SelectChoice]:
    """Pairs of value and word as WTForms wants them."""
    return [SelectChoice(value, word) for value, word in pairs]


def _there(data: T | None) -> T:
    if data is None:
        raise Refused("有一处没有填，请检查后再试")
    return data


class _Text:
    data: str | None

    @property
    def got(self) -> str:
        """The text, "" where none was sent."""
        return self.data or ""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = self._read(valuelist[0]) if valuelist else ""

    def _read(self, text: str) -> str:
        return text


class Line(_Text, StringField):
    """A text of one line."""

    def __init__(self, label: str, most: int, *, needed: bool | str = True, **more: Any) -> None:
        super().__init__(label, _checks(label, needed, most), **more)

    def _read(self, text: str) -> str:
        return clean_line(text)


class Area(_Text, TextAreaField):
    """A text of several lines; a line break counts as one character, as in the browser."""

    def __init__(self, label: str, most: int, *, needed: bool | str = True, **more: Any) -> None:
        super().__init__(label, _checks(label, needed, most), **more)


class Phone(_Text, StringField):
    """A mobile number, in any of the shapes people write."""

    def __init__(self, label: str = "手机号", *, needed: bool | str = True, **more: Any) -> None:
        super().__init__(label, _checks(label, needed), **more)

    def _read(self, text: str) -> str:
        return clean_phone(text[:60])

    def pre_validate(self, form: Any) -> None:
        try:
            if self.data:
                values.phone(self.data)
        except ValueError as error:
            raise ValidationError(str(error)) from None


class Whole(IntegerField):
    """A whole number, also in Chinese numerals."""

    def __init__(
        self,
        label: str,
        *,
        least: int = 0,
        most: int = MAX_WHOLE,
        needed: bool | str = True,
        **more: Any,
    ) -> None:
        within = f"请填 {least} 到 {most} 的整数"
        checks = [*_checks(label, needed), NumberRange(least, most, within)]
        super().__init__(label, checks, **more)
        self.widget = widgets.TextInput()
        self.render_kw = {"inputmode": "numeric", **(more.get("render_kw") or {})}

    @property
    def got(self) -> int:
        """The number of a field that is needed."""
        return _there(self.data)

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = None
        text = clean_number(valuelist[0]) if valuelist else ""
        if not text:
            return
        if not re.fullmatch(r"-?[0-9]{1,9}", text):
            raise ValueError("请填整数")
        self.data = int(text)


class Version(IntegerField):
    """The version of what is edited that the page was made from, hidden; 0 for what doesn't exist yet."""

    widget = widgets.HiddenInput()

    def __init__(self, **more: Any) -> None:
        super().__init__("", [Optional()], **more)

    def process_formdata(self, valuelist: list[str]) -> None:
        text = valuelist[0] if valuelist else ""
        self.data = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0

    def renew(self, version: int) -> None:
        """Takes another version, for a form that comes back with its text after a conflict."""
        self.data, self.raw_data = version, None


class Number(DecimalField):
    """A decimal number."""

    def __init__(self, label: str, *, needed: bool | str = True, **more: Any) -> None:
        super().__init__(label, _checks(label, needed), **more)
        self.widget = widgets.TextInput()
        self.render_kw = {"inputmode": "decimal", **(more.get("render_kw") or {})}

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else format(Decimal(self.data).normalize(), "f")

    @property
    def got(self) -> Decimal:
        """The number of a field that is needed."""
        return _there(self.data)

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = None
        text = clean_number(valuelist[0]) if valuelist else ""
        if not text:
            return
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise ValueError("请填数字") from None
        if not value.is_finite():
            raise ValueError("请填数字")
        self.data = value


class Day(DateField):
    """A day, as a browser sends it or as people write it."""

    def __init__(self, label: str, *, needed: bool | str = True, **more: Any) -> None:
        super().__init__(label, _checks(label, needed), **more)

    @property
    def got(self) -> date:
        """The day of a field that is needed."""
        return _there(self.data)

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data: date | None = values.day(valuelist[0]) if valuelist else None

    def pre_validate(self, form: Any) -> None:
        typed = self.raw_data and self.raw_data[0]
        if typed and self.data is None and self.flags.required and not self.process_errors:
            raise ValidationError("请写成 2026-11-24 这样")


class WrittenDay(Day):
    """A day that is written, for desks that paste it from somewhere: what can't be read stays in the box."""

    widget = widgets.TextInput()

    def __init__(self, label: str, **more: Any) -> None:
        super().__init__(label, **more)
        self.render_kw = {"placeholder": "2026-11-24", **(more.get("render_kw") or {})}


def _select(field: Cell, **attributes: object) -> Markup:
    options = Markup("").join(
        Markup('<option value="{}"{}>{}</option>').format(
            word, Markup(" selected") if word == (field.data or "") else "", word or "不填"
        )
        for word in ("", *field.offered)
    )
    shown = widgets.html_params(id=field.id, name=field.name, **attributes)
    return Markup("<select {}>{}</select>").format(Markup(shown), options)  # noqa: S704 (`html_params` escapes)  # nosec B704


class Cell(_Text, StringField):
    """A value of the ledger, read by the parser of its column; `value` is what is stored.

    `offered`: the words to choose from, where there are only these. With `partial` a form may leave the field out, and
    means to leave the value as it is.
    """

    value: object

    def __init__(
        self,
        label: str,
        parse: Callable[[object], object],
        *,
        needed: bool | str = True,
        offered: Sequence[str] = (),
        partial: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(label, _checks(label, needed), **more)
        self.partial = partial
        self.parse, self.value = parse, None
        self.offered = offered
        if offered:
            self.widget = _select

    def _read(self, text: str) -> str:
        return clean_line(text)

    def pre_validate(self, form: Any) -> None:
        if self.partial and not self.raw_data:
            raise StopValidation()
        try:
            self.value = self.parse(self.data) if self.data else None
        except ValueError as error:
            raise ValidationError(str(error)) from None


class Moment(DateTimeLocalField):
    """A day and a time, in the offices' time zone unless it names one."""

    def __init__(self, label: str, *, needed: bool | str = True, **more: Any) -> None:
        super().__init__(label, _checks(label, needed), **more)

    @property
    def got(self) -> datetime:
        """The moment of a field that is needed."""
        return _there(self.data)

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data: datetime | None = None
        if not valuelist or not valuelist[0]:
            return
        try:
            read = datetime.fromisoformat(valuelist[0])
        except ValueError:
            raise ValueError("日期和时间看不懂，请重新选") from None
        self.data = read if read.tzinfo else read.replace(tzinfo=config().zone)


class Choice(SelectField):
    """One of several; `choices`: value to word, when they are the same for every page."""

    @property
    def got(self) -> str:
        """The value, "" where none was sent."""
        return self.data or ""

    def __init__(self, label: str, choices: Mapping[Any, str] | None = None, **more: Any) -> None:
        super().__init__(label, choices=_offered((choices or {}).items()), **more)


class Choices(SelectMultipleField):
    """Any of several, as ticks."""

    widget = widgets.ListWidget(prefix_label=False)
    option_widget = widgets.CheckboxInput()

    def __init__(self, label: str, choices: Mapping[Any, str] | None = None, **more: Any) -> None:
        super().__init__(label, choices=_offered((choices or {}).items()), **more)


class Judgement(RadioField):
    """One of a few answers, all in sight, none of them chosen."""

    def __init__(self, label: str, choices: Mapping[str, str], **more: Any) -> None:
        checks = [InputRequired("还没有选")]
        super().__init__(
            label, checks, choices=_offered(choices.items()), validate_choice=False, **more
        )


class Tick(BooleanField):
    """A tick; on the page its label stands behind it. `needed`: the message where it has to be set."""

    def __init__(self, label: str, *, needed: str = "", **more: Any) -> None:
        super().__init__(label, [InputRequired(needed)] if needed else [], **more)
        self.render_kw = {"value": "1", **(more.get("render_kw") or {})}


class Upload(FileField):
    """A file; its bytes are read from the request."""


__all__ = [
    "Area",
    "Cell",
    "Choice",
    "Choices",
    "Day",
    "Field",
    "Form",
    "Judgement",
    "Line",
    "Moment",
    "Number",
    "Phone",
    "Tick",
    "Upload",
    "Version",
    "Whole",
    "WrittenDay",
    "pressed",
    "sent_fields",
    "sent_id",
    "sent_values",
]
