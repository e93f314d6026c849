"""The app of `/verifier/v1`, put together."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.routing import APIRoute

from backend.identity import staff_http
from backend.kit.http import new_app
from backend.kit.settings import Settings
from verifier_api import batches

ROUTERS = (staff_http.router, batches.router)


def build(settings: Settings) -> FastAPI:  # noqa: ARG001 - every surface is built the same way
    """The verifiers' app."""
    app = new_app(
        title="碳普惠 · 核查接口 Puhui verifier API",
        generate_unique_id_function=_operation_id,
    )
    app.state.authenticate = staff_http.authenticate
    for router in ROUTERS:
        app.include_router(router)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name
