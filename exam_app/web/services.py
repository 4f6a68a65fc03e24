"""The services of an application: created once at start-up, accessed by type."""

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
    """A long-lived object of a capability, closed with the application."""

    def close(self) -> None:
        """Closes what it opened."""


P = TypeVar("P", bound=Part)


@dataclass(frozen=True, slots=True)
class Services:
    """The services of one application.

    `replica`: the read replica for reports; `oidc`: the office's identity provider. None when not
    configured. `parts`: the capabilities' own long-lived objects, at most one of each type.
    """

    engine: Engine
    session_factory: sessionmaker[Session]
    replica: Replica | None
    limits: Limits
    oidc: OAuth | None
    parts: tuple[Part, ...] = ()

    def part(self, kind: type[P]) -> P:
        """The part of a type. Raises `LookupError` when the application has none."""
        for part in self.parts:
            if isinstance(part, kind):
                return part
        raise LookupError(kind.__name__)

    def close(self) -> None:
        """Closes the connections that the services opened; the engine may be shared and stays open."""
        for part in self.parts:
            part.close()
        if self.replica is not None:
            self.replica.close()


def set_services(app: Flask, instance: Services) -> None:
    """Attaches its services to an application."""
    app.extensions[_KEY] = instance


def services_of(app: Flask) -> Services:
    """The services of an application."""
    return cast(Services, app.extensions[_KEY])


def services() -> Services:
    """The services of the current application."""
    return services_of(current_app)
