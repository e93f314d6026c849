"""What docs/transparency.md and docs/operations.md say of this surface is so."""

from __future__ import annotations

import re
from pathlib import Path

import httpx

from backend.transparency import Status
from puhui.quotas import POLICIES
from tests.test_docs import rows_below

DOCS = Path(__file__).parents[2] / "docs"


async def test_every_address_in_the_walk_and_the_text_is_an_operation(client: httpx.AsyncClient) -> None:
    text = (DOCS / "transparency.md").read_text("utf-8")
    paths = (await client.get("/openapi.json")).json()["paths"]
    named = re.findall(r'^curl -s "?\$at(/[\w/{}.-]+)', text, re.MULTILINE)
    named += [path for path in re.findall(r"/public/v1(/[\w/{}.-]+)", text) if path != "/openapi.json"]
    assert len(named) > 8
    for path in named:
        assert path in paths, path


def test_every_status_is_described() -> None:
    rows = rows_below((DOCS / "transparency.md").read_text("utf-8"), "| status |")
    assert [row[0] for row in rows] == [status.value for status in Status]


def test_quotas_are_those_that_hold() -> None:
    rows = rows_below((DOCS / "operations.md").read_text("utf-8"), "| prefix |")
    described = {
        prefix: (name, int(quota.removesuffix(" an hour")), 3600 if quota.endswith(" an hour") else 60)
        for prefixes, name, quota in rows
        for prefix in re.findall(r"/\w+/v1[\w/.-]*", prefixes) or [""]
    }
    holding = {
        prefix: (policy.name, policy.quota, policy.window_s)
        for prefix, policy in POLICIES.items()
        if policy is not None
    }
    assert described == holding
