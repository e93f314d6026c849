"""Signed requests: what is taken, and everything that is refused."""

from __future__ import annotations

import httpx

from tests.partner_api.conftest import NewPartner


async def test_a_signed_request_by_the_documented_recipe_is_taken(
    client: httpx.AsyncClient, new_partner: NewPartner
) -> None:
    metro = await new_partner()
    for signer, sandbox in ((metro.live, False), (metro.sandbox, True)):
        answered = await client.get("/me?a=%E4%B8%AD&b", auth=signer)
        assert answered.status_code == 200, answered.text
        told = answered.json()
        assert (told["organisation"], told["sandbox"]) == (metro.code, sandbox)
        assert told["key_id"] == str(signer.key_id)
        assert [key["key_id"] for key in told["keys"]] == [str(signer.key_id)]
        assert answered.headers["ratelimit-policy"].startswith('"events";q=1000000;w=86400')
