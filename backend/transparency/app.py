"""The app of `/public/v1`, put together. Nobody signs in, and nothing can be changed."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from backend.kit.http import surface
from backend.kit.settings import Settings
from backend.transparency import endpoints, games, log_endpoints

ROUTERS = (log_endpoints.router, endpoints.router, games.router)


def build(settings: Settings) -> FastAPI:  # noqa: ARG001 - every surface is built the same way
    """The public's app. Pages of other sites may read it: there is nothing in it that one has to be signed in for."""
    app = surface(title="碳普惠 · 公开接口 Puhui public API", routers=ROUTERS)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET", "POST"],
        allow_headers=["content-type", "if-none-match"],
        expose_headers=["etag", "ratelimit", "ratelimit-policy", "retry-after"],
        max_age=86400,
    )
    return app
