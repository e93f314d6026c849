"""The surfaces of the platform: where each is mounted, and who builds it."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI

import backend.transparency.app
import merchant.app
import mobile_api.app
import offset_bridge.app
import operator_api.app
import partner_api.app
import verifier_api.app
from backend.kit.settings import Settings

SURFACES: dict[str, Callable[[Settings], FastAPI]] = {
    "/mobile/v1": mobile_api.app.build,
    "/merchant/v1": merchant.app.build,
    "/operator/v1": operator_api.app.build,
    "/partner/v1": partner_api.app.build,
    "/verifier/v1": verifier_api.app.build,
    "/registry/v1": offset_bridge.app.build_registry,
    "/market/v1": offset_bridge.app.build_market,
    "/public/v1": backend.transparency.app.build,
}
