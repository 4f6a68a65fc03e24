"""The OpenAPI document, generated from the declarations on the endpoints."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from exam_app.api import schemas

View = TypeVar("View", bound=Callable[..., object])
Mode = Literal["validation", "serialization"]


@dataclass(frozen=True)
class Operation:
    """The request and response models of one endpoint."""

    summary: str
    takes: type[BaseModel] | None
    gives: type[BaseModel]
    query: tuple[str, ...] = ()


def describes(
    summary: str,
    gives: type[BaseModel],
    takes: type[BaseModel] | None = None,
    *,
    query: tuple[str, ...] = (),
) -> Callable[[View], View]:
    """Decorator that attaches an `Operation` to a view."""

    def mark(view: View) -> View:
        vars(view)["operation"] = Operation(summary, takes, gives, query)
        return view

    return mark


def describe(rules: list[tuple[str, str, Callable[..., object]]]) -> dict[str, object]:
    """Returns the OpenAPI 3.1 document of (rule, method, view) triples."""
    models: list[tuple[type[BaseModel], Mode]] = [(schemas.Problem, "validation")]
    for _, _, view in rules:
        operation: Operation = vars(view)["operation"]
        models.append((operation.gives, "serialization"))
        if operation.takes:
            models.append((operation.takes, "validation"))
    refs, components = models_json_schema(
        list(dict.fromkeys(models)), ref_template="#/components/schemas/{model}"
    )
    paths: dict[str, dict[str, object]] = {}
    for rule, method, view in rules:
        declared: Operation = vars(view)["operation"]
        names = re.findall(r"<(?:\w+:)?(\w+)>", rule)
        parameters: list[dict[str, object]] = [
            {"name": n, "in": "path", "required": True, "schema": {"type": "integer"}}
            for n in names
        ]
        parameters += [
            {"name": n, "in": "query", "schema": {"type": "string"}} for n in declared.query
        ]
        entry: dict[str, object] = {
            "summary": declared.summary,
            "operationId": view.__name__,
            "parameters": parameters,
            "responses": {
                "200": {
                    "description": "好了",
                    "content": {
                        "application/json": {"schema": refs[declared.gives, "serialization"]}
                    },
                },
                "default": {
                    "description": "被拒绝，detail 说明原因和办法",
                    "content": {
                        "application/problem+json": {"schema": refs[schemas.Problem, "validation"]}
                    },
                },
            },
        }
        if declared.takes:
            schema = refs[declared.takes, "validation"]
            entry["requestBody"] = {
                "required": True,
                "content": {"application/json": {"schema": schema}},
            }
        if rule.endswith("/login"):
            entry["security"] = []
        paths.setdefault(re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule), {})[method.lower()] = entry
    return {
        "openapi": "3.1.0",
        "info": {"title": "儿童主任学堂", "version": "1"},
        "paths": paths,
        "components": {
            "schemas": components.get("$defs", {}),
            "securitySchemes": {
                "cookie": {"type": "apiKey", "in": "cookie", "name": "session"},
                "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
        "security": [{"cookie": [], "csrf": []}, {"bearer": []}],
    }
