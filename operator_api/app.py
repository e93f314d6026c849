"""The app of `/operator/v1`, put together."""

from __future__ import annotations

from fastapi import FastAPI

from backend.identity import staff_http
from backend.kit.http import surface
from backend.kit.settings import Settings
from operator_api import (
    admission,
    certification,
    contracts,
    engagement,
    events,
    external_claims,
    feed,
    held,
    looks,
    lotteries,
    methodologies,
    news,
    participants,
    partners,
    payouts,
    programmes,
    rewards,
    settlement,
    shortfalls,
    simulations,
    sources,
    trees,
    trials,
)

ROUTERS = (
    staff_http.router,
    admission.router,
    participants.router,
    looks.router,
    partners.router,
    programmes.router,
    simulations.router,
    trials.router,
    payouts.router,
    contracts.router,
    settlement.router,
    sources.router,
    held.router,
    external_claims.router,
    methodologies.router,
    certification.router,
    shortfalls.router,
    rewards.router,
    lotteries.router,
    trees.router,
    events.router,
    engagement.router,
    feed.router,
    news.router,
)


def build(settings: Settings) -> FastAPI:  # noqa: ARG001 - every surface is built the same way
    """The staff's app."""
    return surface(
        title="碳普惠 · 运营接口 Puhui operator API", routers=ROUTERS, authenticate=staff_http.authenticate
    )
