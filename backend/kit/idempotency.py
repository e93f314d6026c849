"""The same `Idempotency-Key` moves value once, however often the request is sent.

    router = Router()                                      # backend.kit.http.Router, whose routes keep answers

    @router.post("/redemptions", responses=problems(*idempotency.REFUSALS, …))
    async def redeem(order: Order, citizen: SignedInCitizen, session: WriteSession, _: IdempotencyKey) -> Receipt: …

That is all an endpoint does. The key is claimed in the endpoint's own transaction before the endpoint runs, and the
finished answer is kept in that same transaction, so that effect and answer are committed together or not at all:

* same caller, key, method, address and body: the identical answer again, with `Idempotent-Replayed: true`;
* the same key for anything else: 422 `kit.idempotency_key_reused`;
* the first is still at work: wait up to 2 s for its answer, then 409 `kit.idempotency_in_flight`;
* no key 400, a key that is not 8 to 255 visible ASCII characters 400.

A refusal rolls back and leaves nothing, so the same key may be tried again. Keys belong to a signed-in caller.
Every kept answer is encrypted (AES-256-GCM, key label `idempotency`), so none ever lies in clear, whatever an
endpoint answers; the body's fingerprint is keyed for the same reason. Keys are forgotten after `KEPT_FOR`.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import Depends, Header, Request
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from backend.kit.access import SignedIn
from backend.kit.errors import DomainError, Kind
from backend.kit.http import AnswerInstead, WriteSession, before_commit, settings_of
from backend.kit.settings import Keys

KEPT_FOR = timedelta(hours=48)

_FORM = re.compile(r"[!-~]{8,255}")
_KEPT_HEADERS = ("content-type", "location", "etag", "content-language")
_LOCK_NOT_AVAILABLE = "55P03"


class IdempotencyKeyMissing(DomainError):
    """This request moves value and needs the header Idempotency-Key."""

    code = "kit.idempotency_key_missing"
    kind = Kind.MALFORMED
    title_zh = "此请求会转移价值，须带 Idempotency-Key 请求头。"


class IdempotencyKeyUnusable(DomainError):
    """The Idempotency-Key is not 8 to 255 visible ASCII characters."""

    code = "kit.idempotency_key_unusable"
    kind = Kind.MALFORMED
    title_zh = "Idempotency-Key 须为 8 至 255 个可见 ASCII 字符。"


class IdempotencyKeyReused(DomainError):
    """This Idempotency-Key was used for another request."""

    code = "kit.idempotency_key_reused"
    kind = Kind.INVALID
    title_zh = "此 Idempotency-Key 已用于另一请求。"


class IdempotencyInFlight(DomainError):
    """The first request with this Idempotency-Key is still at work; ask again shortly."""

    code = "kit.idempotency_in_flight"
    kind = Kind.CONFLICT
    title_zh = "使用此 Idempotency-Key 的首个请求仍在处理，请稍后重试。"


REFUSALS = (IdempotencyKeyMissing, IdempotencyKeyUnusable, IdempotencyKeyReused, IdempotencyInFlight)


@dataclass(frozen=True, slots=True)
class Claim:
    """A key that belongs to the present request until its transaction ends."""

    principal: str
    key: str
    fingerprint: bytes


async def _named(
    request: Request,
    principal: SignedIn,
    idempotency_key: Annotated[
        str | None, Header(description="8 to 255 visible ASCII characters, best a UUIDv4; new for each act.")
    ] = None,
) -> Claim:
    if not idempotency_key:
        raise IdempotencyKeyMissing
    if not _FORM.fullmatch(idempotency_key):
        raise IdempotencyKeyUnusable
    return named(settings_of(request).keys, request, str(principal), idempotency_key, await request.body())


def key_of(request: Request) -> str | None:
    """The request's key where it has one that is usable."""
    key = request.headers.get("idempotency-key", "")
    return key if _FORM.fullmatch(key) else None


def named(keys: Keys, request: Request, principal: str, key: str, body: bytes) -> Claim:
    """A caller's key for exactly this request; nothing is claimed by it yet."""
    return Claim(principal=principal, key=key, fingerprint=_fingerprint(keys, request, body))


# For a verb that claims the key in its own statement (`kit_claim_key`), keeps `seal` of what it needs for the same answer,
# and reads the row of an earlier request with `opened`.
NamedKey = Annotated[Claim, Depends(_named)]


async def _claimed(request: Request, session: WriteSession, claim: NamedKey) -> Claim:
    keys = settings_of(request).keys
    kept = await _claim_or_read(session, claim)
    if kept is not None:
        raise AnswerInstead(_opened(keys, claim, kept))

    async def keep(response: Response) -> None:
        await _keep(session, keys, claim, response)

    before_commit(request, keep)
    return claim


IdempotencyKey = Annotated[Claim, Depends(_claimed)]


def _fingerprint(keys: Keys, request: Request, body: bytes) -> bytes:
    target = f"{request.method}\n{request.url.path}\n{request.url.query}"
    digest = hashlib.sha256(target.encode() + b"\n" + body).digest()
    return hmac.digest(keys.derive("idempotency-fingerprint"), digest, hashlib.sha256)


async def _claim_or_read(session: AsyncSession, claim: Claim) -> Any:
    """None when the key is now ours, else the row that another request left."""
    try:
        found = await session.execute(
            text("SELECT * FROM kit_claim_key(:principal, :key, :fingerprint)"),
            {"principal": claim.principal, "key": claim.key, "fingerprint": claim.fingerprint},
        )
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
            raise IdempotencyInFlight from None
        raise
    kept = found.one_or_none()
    if kept is not None and kept.claimed:
        return None
    if kept is None:
        raise IdempotencyInFlight  # forgotten between the two statements
    _check(claim, fingerprint=kept.fingerprint, status=kept.status)
    return kept


def _check(claim: Claim, *, fingerprint: bytes, status: int | None) -> None:
    if status is None:
        raise IdempotencyInFlight  # left unanswered
    if not hmac.compare_digest(fingerprint, claim.fingerprint):
        raise IdempotencyKeyReused


async def claim(session: AsyncSession, keys: Keys, claim: Claim) -> bytes | None:
    """Claim a named key in this transaction: None when it is ours now, else what `keep` kept under it."""
    kept = await _claim_or_read(session, claim)
    return None if kept is None else _unsealed(keys, claim, kept.body)


async def keep(session: AsyncSession, keys: Keys, claim: Claim, body: bytes) -> None:
    """Keep what opens the answer again under a key that was claimed with `claim`."""
    await _write(session, claim, status=201, headers={}, sealed=seal(keys, claim, body))


def seal(keys: Keys, claim: Claim, body: bytes) -> bytes:
    """What is kept under a key, worthless without the platform's."""
    nonce = secrets.token_bytes(12)
    return nonce + AESGCM(keys.sealing("idempotency")).encrypt(nonce, body, _bound_to(claim))


def opened(
    keys: Keys, claim: Claim, *, fingerprint: bytes | None, status: int | None, body: bytes | None
) -> bytes:
    """What another request sealed under the same key. Raises IdempotencyKeyReused, IdempotencyInFlight."""
    if fingerprint is None or body is None:
        raise IdempotencyInFlight
    _check(claim, fingerprint=fingerprint, status=status)
    return _unsealed(keys, claim, body)


def _unsealed(keys: Keys, claim: Claim, body: bytes) -> bytes:
    return _decrypted(keys.opening("idempotency"), body[:12], body[12:], _bound_to(claim))


async def _keep(session: AsyncSession, keys: Keys, claim: Claim, response: Response) -> None:
    body = getattr(response, "body", None)
    assert isinstance(body, bytes), "a streamed answer cannot be kept for an idempotency key"
    sealed = seal(keys, claim, body)
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    await session.flush()
    await _write(session, claim, status=response.status_code, headers=headers, sealed=sealed)


async def _write(
    session: AsyncSession, claim: Claim, *, status: int, headers: dict[str, str], sealed: bytes
) -> None:
    await session.execute(
        text("""
            UPDATE kit_idempotency_key
            SET status = :status, headers = CAST(:headers AS jsonb), body = :body
            WHERE principal = :principal AND key = :key
        """),
        {
            "status": status,
            "headers": json.dumps(headers),
            "body": sealed,
            "principal": claim.principal,
            "key": claim.key,
        },
    )


def _opened(keys: Keys, claim: Claim, kept: Any) -> Response:
    response = Response(_unsealed(keys, claim, kept.body), status_code=kept.status)
    for name, value in kept.headers.items():
        response.headers[name] = value
    response.headers["idempotent-replayed"] = "true"
    return response


def _decrypted(keys: Sequence[bytes], nonce: bytes, sealed: bytes, bound_to: bytes) -> bytes:
    """By whichever of the keys it was sealed with."""
    for key in keys[:-1]:
        with contextlib.suppress(InvalidTag):
            return AESGCM(key).decrypt(nonce, sealed, bound_to)
    return AESGCM(keys[-1]).decrypt(nonce, sealed, bound_to)


def _bound_to(claim: Claim) -> bytes:
    return b"\x1f".join((claim.principal.encode(), claim.key.encode(), claim.fingerprint))


async def forget_old(session: AsyncSession, *, limit: int = 10_000) -> int:
    """Remove keys older than `KEPT_FOR`, at most `limit` of them; how many were removed."""
    result = await session.execute(
        text("""
            DELETE FROM kit_idempotency_key WHERE (principal, key) IN (
                SELECT principal, key FROM kit_idempotency_key
                WHERE created_at < now() - CAST(:kept_for AS interval) LIMIT :limit FOR UPDATE SKIP LOCKED)
        """),
        {"kept_for": KEPT_FOR, "limit": limit},
    )
    return result.rowcount  # type: ignore[attr-defined, no-any-return]
