"""The app of `/public/v1`, put together. Nobody signs in, and nothing can be changed."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.routing import APIRoute

from backend.kit.http import new_app
from backend.kit.settings import Settings
from backend.transparency import endpoints, log_endpoints

ROUTERS = (log_endpoints.router, endpoints.router)


def build(settings: Settings) -> FastAPI:  # noqa: ARG001 - every surface is built the same way
    """The public's app."""
    app = new_app(title="碳普惠 · 公开接口 Puhui public API", generate_unique_id_function=_operation_id)
    for router in ROUTERS:
        app.include_router(router)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name
