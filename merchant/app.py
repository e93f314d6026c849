"""The app of `/merchant/v1`, put together."""

from __future__ import annotations

from fastapi import FastAPI

from backend.identity import staff_http
from backend.kit.http import surface
from backend.kit.settings import Settings
from merchant import webhooks
from merchant.access import authenticate
from merchant.catalogue import endpoints as catalogue
from merchant.contracts import endpoints as contracts
from merchant.redemption import endpoints as redemption
from merchant.settlement import endpoints as settlement
from merchant.shops import endpoints as shops
from merchant.tills import endpoints as tills

ROUTERS = (
    staff_http.router,
    shops.router,
    tills.router,
    contracts.router,
    catalogue.router,
    redemption.router,
    settlement.router,
    webhooks.router,
)


def build(settings: Settings) -> FastAPI:  # noqa: ARG001 - every surface is built the same way
    """The app of merchants' staff, tills and software."""
    return surface(
        title="碳普惠 · 商户接口 Puhui merchant API",
        routers=ROUTERS,
        authenticate=authenticate,
        short=redemption.SHORT,
    )
