"""The app of `/mobile/v1`, put together."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI

from backend.identity.doors import Exchange, Provider, default_exchanges
from backend.identity.sign_in import Sender, default_sender
from backend.kit.http import surface
from backend.kit.settings import Settings
from mobile_api import (
    acts,
    appeals,
    benefits,
    boards,
    children,
    circle,
    collecting,
    consent,
    devices,
    doors,
    engagement,
    events,
    feed,
    footprint,
    home,
    inbox,
    journey,
    lotteries,
    me,
    means,
    members,
    news,
    offers,
    privacy,
    programmes,
    receipts,
    redemptions,
    rewards,
    signing_in,
    stepping_up,
    teams,
    trees,
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
    children.router,
    acts.router,
    appeals.router,
    receipts.router,
    journey.router,
    wallet.router,
    benefits.router,
    offers.router,
    redemptions.router,
    footprint.router,
    rewards.router,
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
) -> FastAPI:
    """The citizens' app; `sender` brings codes to phones (by default the log, and only when embedded), `exchanges` are
    the other doors (by default those that the settings name).
    """
    app = surface(
        title="碳普惠 · 公众接口 Puhui mobile API",
        routers=ROUTERS,
        authenticate=authenticate,
        short={**redemptions.SHORT, **home.SHORT},
    )
    app.state.sender = sender or default_sender(settings)
    app.state.exchanges = default_exchanges(settings) if exchanges is None else exchanges
    return app
