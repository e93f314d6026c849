"""The app of `/operator/v1`, put together."""

from __future__ import annotations

from fastapi import FastAPI

from backend.identity import staff_http
from backend.kit.http import surface
from backend.kit.settings import Settings
from operator_api import (
    admission,
    applications,
    budgets,
    causes,
    certification,
    contracts,
    engagement,
    events,
    external_claims,
    feed,
    firms,
    held,
    looks,
    lotteries,
    methodologies,
    news,
    offers,
    participants,
    partners,
    payouts,
    programmes,
    proofs,
    rewards,
    settlement,
    shortfalls,
    simulations,
    sources,
    suspensions,
    takeovers,
    trees,
    trials,
)

ROUTERS = (
    staff_http.router,
    admission.router,
    applications.router,
    participants.router,
    looks.router,
    proofs.router,
    partners.router,
    programmes.router,
    simulations.router,
    trials.router,
    payouts.router,
    contracts.router,
    offers.router,
    budgets.router,
    suspensions.router,
    takeovers.router,
    settlement.router,
    sources.router,
    held.router,
    external_claims.router,
    methodologies.router,
    certification.router,
    shortfalls.router,
    rewards.router,
    causes.router,
    lotteries.router,
    trees.router,
    events.router,
    engagement.router,
    feed.router,
    firms.router,
    news.router,
)


def build(settings: Settings) -> FastAPI:  # noqa: ARG001 - every surface is built the same way
    """The staff's app."""
    return surface(
        title="碳普惠 · 运营接口 Puhui operator API", routers=ROUTERS, authenticate=staff_http.authenticate
    )
