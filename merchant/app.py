"""The app of `/merchant/v1`, put together."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.routing import APIRoute

from backend.identity import staff_http
from backend.kit.http import new_app
from backend.kit.settings import Settings
from merchant.catalogue import endpoints as catalogue
from merchant.redemption import endpoints as redemption
from merchant.settlement import endpoints as settlement

ROUTERS = (staff_http.router, catalogue.router, redemption.router, settlement.router)


def build(settings: Settings) -> FastAPI:  # noqa: ARG001 - every surface is built the same way
    """The app of merchants' staff."""
    app = new_app(
        title="碳普惠 · 商户接口 Puhui merchant API",
        generate_unique_id_function=_operation_id,
    )
    app.state.authenticate = staff_http.authenticate
    for router in ROUTERS:
        app.include_router(router)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name
