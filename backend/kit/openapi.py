"""The OpenAPI document of a surface: what FastAPI says, put right where our habits differ."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from backend.kit.problems import MEDIA_TYPE, problem_schema

_FAULT = {
    "type": "object",
    "required": ["in", "field", "code", "reason"],
    "properties": {name: {"type": "string"} for name in ("in", "field", "code", "reason")},
}


def install(app: FastAPI) -> None:
    """Publish our problems in place of FastAPI's validation errors."""
    made = app.openapi

    def corrected() -> dict[str, Any]:
        if app.openapi_schema is None:
            correct(made())
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = corrected  # type: ignore[method-assign]


def correct(document: dict[str, Any]) -> None:
    """Change one freshly made document in place."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas["Problem"] = problem_schema()
    invalid = problem_schema()
    invalid["properties"]["errors"] = {"type": "array", "items": _FAULT}
    schemas["InvalidRequest"] = invalid
    for operations in document.get("paths", {}).values():
        for operation in operations.values():
            if isinstance(operation, dict):
                _correct_operation(operation)


def _correct_operation(operation: dict[str, Any]) -> None:
    responses = operation.setdefault("responses", {})
    unprocessable = responses.get("422")
    if unprocessable is not None and "application/json" in unprocessable.get("content", {}):
        responses["422"] = {
            "description": "`kit.request_invalid` The request does not have the form that this endpoint takes.",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/InvalidRequest"}}},
        }
    responses["default"] = {
        "description": "A problem (RFC 9457); its `code` is stable, its `title` is for people.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for parameter in operation.get("parameters", ()):
        if parameter.get("in") == "header" and parameter.get("name", "").lower() == "idempotency-key":
            parameter["required"] = True
            parameter["schema"] = {"type": "string", "minLength": 8, "maxLength": 255, "pattern": "^[!-~]+$"}
