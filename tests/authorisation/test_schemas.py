"""Requests that the documents allow, drawn by schemathesis, to the citizens' and the merchants' API: no fault, and no answer
that the document does not know.

`PUHUI_TEST_SCHEMATHESIS` sets how many are drawn for each operation.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from tests.authorisation.conftest import Town

EXAMPLES = int(os.environ.get("PUHUI_TEST_SCHEMATHESIS", "4"))
LOUD = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


def drawn(operation: Any) -> list[Any]:
    """Some cases of one operation, the same ones every time."""
    cases: list[Any] = []

    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=LOUD,
    )
    @given(operation.as_strategy())
    def draw(case: Any) -> None:
        cases.append(case)

    draw()
    return cases


def request_of(prefix: str, case: Any) -> dict[str, Any]:
    """What httpx needs to send a case."""
    path = case.path
    for name, value in (case.path_parameters or {}).items():
        path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
    sent: dict[str, Any] = {"method": case.method.upper(), "url": prefix + path, "params": case.query or {}}
    if (
        isinstance(case.body, dict | list | str | int | float | bool)
        and case.media_type == "application/json"
    ):
        sent["json"] = case.body
    return sent


@pytest.mark.parametrize(("prefix", "role"), [("/mobile/v1", "citizen"), ("/merchant/v1", "merchant")])
async def test_no_request_that_the_document_allows_is_a_fault(town: Town, prefix: str, role: str) -> None:
    document = (await town.client.get(f"{prefix}/openapi.json")).json()
    schema = schemathesis.openapi.from_dict(document)
    met: Counter[int] = Counter()
    wrong: list[str] = []
    every: Any = schema.get_all_operations()
    for operation in (found.ok() for found in every):
        known = set(operation.definition.raw["responses"])
        for case in drawn(operation):
            sent = request_of(prefix, case)
            headers = await town.headers(role)
            try:
                asked = town.client.build_request(**sent, headers=headers | {"idempotency-key": str(uuid4())})
            except (httpx.InvalidURL, ValueError):  # not a request that anybody can send
                continue
            answer = await town.client.send(asked)
            met[answer.status_code // 100] += 1
            if answer.status_code >= 500 or (str(answer.status_code) not in known and "default" not in known):
                wrong.append(f"{answer.status_code} {sent} {answer.text[:200]}")
    assert not wrong, "\n".join(wrong[:20])
    assert met[2] > 0  # some were met
    assert met[4] > 0
