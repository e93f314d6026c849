"""The town's apps on a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

import mobile_api
import operator_api
import partner_api
from backend.kit.db import Database
from backend.kit.http import wire
from backend.kit.settings import Settings
from tests.mobile_api.conftest import PhoneBox
from tests.programmes.eight.town import Town


async def _client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    address = f"2001:db8::{uuid4().int % 0xFFFF:x}"
    transport = httpx.ASGITransport(app=app, client=(address, 1), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://puhui.test") as client:
        yield client


@pytest.fixture(scope="module")
async def town(db: Database, settings: Settings) -> AsyncIterator[Town]:
    phones = PhoneBox()
    apps = [
        mobile_api.build(settings, sender=phones),
        partner_api.build(settings),
        operator_api.build(settings),
    ]
    for app in apps:
        wire(app, settings=settings, db=db)
    async for mobile in _client(apps[0]):
        async for partner in _client(apps[1]):
            async for staff in _client(apps[2]):
                yield Town(db, settings, phones, mobile, partner, staff)
