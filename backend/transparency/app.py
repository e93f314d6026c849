"""The app of `/public/v1`, put together. Nobody signs in, and nothing can be changed."""

from __future__ import annotations

from fastapi import FastAPI

from backend.kit.http import surface
from backend.kit.settings import Settings
from backend.transparency import endpoints, log_endpoints

ROUTERS = (log_endpoints.router, endpoints.router)


def build(settings: Settings) -> FastAPI:  # noqa: ARG001 - every surface is built the same way
    """The public's app."""
    return surface(title="碳普惠 · 公开接口 Puhui public API", routers=ROUTERS)
