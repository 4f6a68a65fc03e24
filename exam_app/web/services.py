"""What an application holds for as long as it runs: set up once, reached from everywhere by its type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from flask import Flask, current_app
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from exam_app.core.replica import Replica
from exam_app.web.limits import Limits

if TYPE_CHECKING:
    from authlib.integrations.flask_client import OAuth

_KEY = "academy"


class Part(Protocol):
    """What a capability holds for as long as the application runs."""

    def close(self) -> None:
        """Gives back what it opened."""


P = TypeVar("P", bound=Part)


@dataclass(frozen=True, slots=True)
class Services:
    """`replica`: a copy that reports are read from; `oidc`: the office's own identity provider. None where
    there is none. `parts`: what capabilities hold by themselves, one of a type."""

    engine: Engine
    session_factory: sessionmaker[Session]
    replica: Replica | None
    limits: Limits
    oidc: OAuth | None
    parts: tuple[Part, ...] = ()

    def part(self, kind: type[P]) -> P:
        """A capability's part by its type. Raises `LookupError` where the application has none."""
        for part in self.parts:
            if isinstance(part, kind):
                return part
        raise LookupError(kind.__name__)

    def close(self) -> None:
        """Gives back the connections that the application opened by itself; the engine may be shared."""
        for part in self.parts:
            part.close()
        if self.replica is not None:
            self.replica.close()


def set_services(app: Flask, made: Services) -> None:
    """Gives an application its services."""
    app.extensions[_KEY] = made


def services_of(app: Flask) -> Services:
    """The services of an application."""
    return cast(Services, app.extensions[_KEY])


def services() -> Services:
    """The services of the running application."""
    return services_of(current_app)
