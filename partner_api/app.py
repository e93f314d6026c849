"""The app of `/partner/v1`, put together."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from backend.intake.uploads import MOST_BYTES
from backend.kit.edge import MOST_JSON_BYTES
from backend.kit.http import surface
from backend.kit.settings import Settings
from partner_api import batches, corrections, jobs, means, myself, sandbox, sources, uploads
from partner_api.access import vouch

ROUTERS = (
    myself.router,
    sources.router,
    batches.router,
    corrections.router,
    means.router,
    uploads.router,
    jobs.router,
    sandbox.router,
)

BODY_LIMITS = {  # bytes, by the beginning of an address below this surface
    "/batches": MOST_JSON_BYTES,
    "/corrections": 4 << 20,
    "/uploads": MOST_BYTES,
}

_SIGNATURE = {
    "type": "http",
    "scheme": "signature",
    "description": (
        "An HTTP message signature (RFC 9421) by a registered Ed25519 key, in Signature-Input and Signature, "
        "with Content-Digest (RFC 9530) of the body."
    ),
}


def build(settings: Settings) -> FastAPI:  # noqa: ARG001 - every surface is built the same way
    """The partners' app."""
    app = surface(
        title="碳普惠 · 合作方接口 Puhui partner API", routers=ROUTERS, vouch=vouch, body_limits=BODY_LIMITS
    )
    _describe_signatures(app)
    return app


def _describe_signatures(app: FastAPI) -> None:
    """Say in the document that requests are signed, and carry no token."""
    made = app.openapi

    def described() -> dict[str, Any]:
        document = made()
        document["components"]["securitySchemes"] = {"signature": _SIGNATURE}
        for operations in document["paths"].values():
            for operation in operations.values():
                operation["security"] = [{"signature": []}]
        return document

    app.openapi = described  # type: ignore[method-assign]
