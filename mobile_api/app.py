"""The app of `/mobile/v1`, put together."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI

from backend.identity.doors import Exchange, Provider, default_exchanges
from backend.identity.proving import RealNames, default_real_names
from backend.identity.sign_in import Sender, default_sender
from backend.kit.http import surface
from backend.kit.settings import Settings
from mobile_api import (
    acts,
    appeals,
    benefits,
    boards,
    causes,
    children,
    circle,
    collecting,
    consent,
    coupons,
    devices,
    doors,
    engagement,
    events,
    feed,
    footprint,
    home,
    images,
    inbox,
    journey,
    journeys,
    lotteries,
    me,
    means,
    members,
    news,
    offers,
    privacy,
    programmes,
    proofs,
    receipts,
    redeeming,
    redemptions,
    rewards,
    signing_in,
    stepping_up,
    teams,
    trees,
    vouchers,
    wallet,
)
from mobile_api.access import authenticate

ROUTERS = (
    signing_in.router,
    stepping_up.router,
    devices.router,
    doors.router,
    me.router,
    home.router,
    inbox.router,
    means.router,
    members.router,
    consent.router,
    privacy.router,
    proofs.router,
    children.router,
    acts.router,
    appeals.router,
    receipts.router,
    journey.router,
    journeys.router,
    wallet.router,
    benefits.router,
    offers.router,
    images.router,
    redeeming.router,
    redemptions.router,
    coupons.router,
    vouchers.router,
    footprint.router,
    rewards.router,
    causes.router,
    lotteries.router,
    trees.router,
    events.router,
    engagement.router,
    circle.router,
    collecting.router,
    teams.router,
    boards.router,
    feed.router,
    news.router,
    programmes.router,
)


def build(
    settings: Settings,
    *,
    sender: Sender | None = None,
    exchanges: Mapping[Provider, Exchange] | None = None,
    real_names: Mapping[str, RealNames] | None = None,
) -> FastAPI:
    """The citizens' app; `sender` brings codes to phones (by default the log, and only when embedded), `exchanges` are
    the other doors and `real_names` who says who a person is (by default those that the settings name).
    """
    app = surface(
        title="碳普惠 · 公众接口 Puhui mobile API",
        routers=ROUTERS,
        authenticate=authenticate,
        short={**redeeming.SHORT, **home.SHORT},
    )
    app.state.sender = sender or default_sender(settings)
    app.state.exchanges = default_exchanges(settings) if exchanges is None else exchanges
    app.state.real_names = default_real_names(settings) if real_names is None else real_names
    return app
