"""Only staff of a verification body come in, and each body sees its own batches."""

from __future__ import annotations

import httpx
from fastapi import FastAPI

from backend.identity.organisations import Role
from backend.kit.db import Database
from backend.kit.settings import Settings
from tests.identity.conftest import Hire
from tests.operator_api.conftest import Person, sign_in
from tests.operator_api.test_permissions import OPEN_TO_ALL, operations

FOR_EVERYBODY = {"sign_out", "get_me", "change_password"}


async def test_nobody_but_a_verification_body_reaches_anything(
    app: FastAPI, client: httpx.AsyncClient, hire: Hire, db: Database, settings: Settings
) -> None:
    del db, settings
    names = [name for _, _, name in operations(app.openapi())]
    assert len(names) == len(set(names))
    for role in Role:
        hired = await hire(role)
        person = Person(hired, (await sign_in(client, hired)).json(), client)
        for method, path, name in operations(app.openapi()):
            if name in OPEN_TO_ALL | FOR_EVERYBODY:
                continue
            assert (await client.request(method, path)).status_code == 401, name
            answer = await client.request(method, path, headers=person.headers())
            forbidden = answer.status_code == 403 and answer.json()["code"] == "kit.forbidden"
            assert forbidden is (role is not Role.VERIFICATION_BODY), (role, name, answer.text)
            assert answer.status_code < 500
