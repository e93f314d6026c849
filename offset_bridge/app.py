"""The apps of `/registry/v1` and `/market/v1`, put together."""

from __future__ import annotations

from fastapi import FastAPI

from backend.identity import staff_http
from backend.kit.http import Router, surface
from backend.kit.settings import Settings
from offset_bridge import proposals
from offset_bridge.bridge import endpoints as bridge
from offset_bridge.cash import endpoints as cash
from offset_bridge.credits import endpoints as credits_
from offset_bridge.market import endpoints as market
from offset_bridge.registry import endpoints as registry
from offset_bridge.surrender import endpoints as surrender

REGISTRY_ROUTERS: tuple[Router, ...] = (
    staff_http.router,
    proposals.router,
    registry.router,
    credits_.router,
    bridge.router,
    surrender.router,
)
MARKET_ROUTERS: tuple[Router, ...] = (
    staff_http.router,
    market.sales_router,
    market.cash_router,
    cash.router,
)


def build_registry(settings: Settings) -> FastAPI:  # noqa: ARG001 - every surface is built the same way
    """The compliance registry's app: accounts, obligations, allocation, the bridge, pledges and surrender."""
    return _app("碳普惠 · 履约登记接口 Puhui compliance registry API", REGISTRY_ROUTERS)


def build_market(settings: Settings) -> FastAPI:  # noqa: ARG001 - every surface is built the same way
    """The market's app: agreed sales and money."""
    return _app("碳普惠 · 市场接口 Puhui market API", MARKET_ROUTERS)


def _app(title: str, routers: tuple[Router, ...]) -> FastAPI:
    return surface(title=title, routers=routers, authenticate=staff_http.authenticate)
