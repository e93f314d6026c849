"""Who signed a request, and how much more they may send.

    caller: Partner                     the body is read, and is the one that was signed
    sent: StreamedFromPartner           the body is still to be read, by `sent.chunks()`, which refuses another one
    await spend(request, caller, …)     count events before they are taken

Each of the two takes the request's nonce: an operation has one of them, and may have an `IdempotencyKey` beside the first.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, cast

from fastapi import Depends, Request

from backend.identity import partners
from backend.identity.partners import CallingPartner, Message, Usage
from backend.kit.access import SignedIn
from backend.kit.http import database, settings_of
from backend.kit.limiting import Limiter, Policy, RateLimited, client_scheme, networks

_networks = lru_cache(maxsize=8)(networks)

NOT_LET_IN = (*partners.SIGNATURE_REFUSALS, RateLimited)


async def vouch(request: Request) -> CallingPartner:
    """The partner that signed this request, whose body is read whole and compared with its digest."""
    return await _caller(request, await request.body())


async def _partner(caller: SignedIn) -> CallingPartner:
    return cast("CallingPartner", caller)


Partner = Annotated[CallingPartner, Depends(_partner)]


async def _live_partner(caller: Partner) -> CallingPartner:
    if caller.sandbox:
        raise partners.SandboxKey
    return caller


LivePartner = Annotated[CallingPartner, Depends(_live_partner)]


async def _sandbox_partner(caller: Partner) -> CallingPartner:
    if not caller.sandbox:
        raise partners.NotSandboxKey
    return caller


SandboxPartner = Annotated[CallingPartner, Depends(_sandbox_partner)]


@dataclass(frozen=True, slots=True)
class Streamed:
    """A signed request whose body is not read yet."""

    caller: CallingPartner
    request: Request
    sha256: bytes  # that the signature covers

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body piece by piece; DigestDiffers behind the last one when it is not the body that was signed.

        So do nothing for good with the pieces before the end is reached.
        """
        digest = hashlib.sha256()
        async for chunk in self.request.stream():
            digest.update(chunk)
            yield chunk
        if not hmac.compare_digest(digest.digest(), self.sha256):
            raise partners.DigestDiffers


async def _streamed(request: Request) -> Streamed:
    sha256 = partners.signatures.sha256_said(request.headers) if "content-digest" in request.headers else b""
    caller = await _caller(request, None)  # refuses a request without a digest
    return Streamed(caller=caller, request=request, sha256=sha256)


StreamedFromPartner = Annotated[Streamed, Depends(_streamed)]


async def spend(request: Request, caller: CallingPartner, *, events: int) -> None:
    """Count events that are about to be taken, in a transaction of their own; the answer says how many are left.

    Raises EventsQuotaReached, and then none is counted.
    """
    async with database(request).transaction() as session:
        usage = await partners.spend(session, caller, events=events)
    _tell(request, usage)


async def give_back(request: Request, caller: CallingPartner, *, events: int) -> None:
    """Take events off the count that were spent and not taken after all."""
    async with database(request).transaction() as session:
        await partners.give_back(session, caller, events=events)
        usage = await partners.usage_of(session, organisation_id=caller.id, sandbox=caller.sandbox)
    _tell(request, usage)


async def _caller(request: Request, body: bytes | None) -> CallingPartner:
    message = Message(
        method=request.method,
        url=_url(request),
        headers=request.headers,
        has_body=body is None or body != b"",
    )
    async with database(request).transaction() as session:
        caller = await partners.authenticate(session, message, body=body)
    _tell(request, caller.usage)
    limiter: Limiter | None = request.app.state.limiter
    if limiter is not None:
        policy = Policy("partner", quota=caller.usage.quota.requests_per_minute)
        turn = await limiter.turn_of(str(caller), policy)
        _turns(request).append(turn.headers)
        if turn.refused is not None:
            raise turn.refused
    return caller


def _url(request: Request) -> str:
    """The address as it was sent. A proxy keeps `Host`; about the scheme, one that is trusted is believed."""
    scope = request.scope
    scheme = client_scheme(scope, trusted=_networks(settings_of(request).trusted_proxies))
    path = scope.get("raw_path") or scope["path"].encode()
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    return f"{scheme}://{request.headers.get('host', '')}{(path + query).decode('latin-1')}"


def _turns(request: Request) -> list[Mapping[str, str]]:
    return cast("list[Mapping[str, str]]", request.scope.setdefault("puhui.turns", []))


def _tell(request: Request, usage: Usage) -> None:
    """Let the answer say how many events are left today, beside how many requests."""
    turns = _turns(request)
    turns[:] = [one for one in turns if not one["ratelimit"].startswith('"events"')]
    wait = partners.until_tomorrow_s()
    turns.append(
        {
            "ratelimit-policy": f'"events";q={usage.quota.events_per_day};w=86400',
            "ratelimit": f'"events";r={usage.left};t={wait}',
        }
    )
