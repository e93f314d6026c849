"""The app of `/merchant/v1`, put together."""

from __future__ import annotations

from fastapi import FastAPI

from backend.identity import staff_http
from backend.kit.http import surface
from backend.kit.settings import Settings
from merchant import webhooks
from merchant.access import authenticate
from merchant.budgets import endpoints as budgets
from merchant.catalogue import endpoints as catalogue
from merchant.contracts import endpoints as contracts
from merchant.coupons import endpoints as coupons
from merchant.images import endpoints as images
from merchant.onboarding import endpoints as onboarding
from merchant.redemption import endpoints as redemption
from merchant.settlement import endpoints as settlement
from merchant.shops import endpoints as shops
from merchant.suspension import endpoints as suspensions
from merchant.tills import endpoints as tills
from merchant.vouchers import endpoints as vouchers

ROUTERS = (
    staff_http.router,
    onboarding.router,
    shops.router,
    tills.router,
    suspensions.router,
    contracts.router,
    catalogue.router,
    budgets.router,
    coupons.router,
    images.router,
    redemption.router,
    vouchers.router,
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
        body_limits={"/applications": onboarding.MOST_BODY_BYTES, "/offers": catalogue.MOST_BODY_BYTES},
    )
