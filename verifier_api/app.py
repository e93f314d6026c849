"""The app of `/verifier/v1`, put together."""

from __future__ import annotations

from fastapi import FastAPI

from backend.identity import staff_http
from backend.kit.http import surface
from backend.kit.settings import Settings
from verifier_api import batches

ROUTERS = (staff_http.router, batches.router)


def build(settings: Settings) -> FastAPI:  # noqa: ARG001 - every surface is built the same way
    """The verifiers' app."""
    return surface(
        title="碳普惠 · 核查接口 Puhui verifier API", routers=ROUTERS, authenticate=staff_http.authenticate
    )
