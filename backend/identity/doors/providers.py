"""What every provider has in common: a short code from its app in, a subject out, and as little else as can be.

A request is made once, without following redirects, and ends after five seconds or 64 KiB. Nothing of an answer but the
subject leaves this folder.
"""

from __future__ import annotations

import enum
import ssl
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

import httpx

from backend.identity.doors.errors import DoorUnavailable
from backend.kit import logging

TIMEOUT = httpx.Timeout(5.0, connect=3.0)
MOST_BYTES = 1 << 16

_log = logging.get("puhui.doors")


class Provider(enum.StrEnum):
    """Whose account opens the door."""

    WECHAT = "wechat"
    ALIPAY = "alipay"


@dataclass(frozen=True, slots=True)
class Shown:
    """Whose account a provider says it is: its own name for the user, which is another one in every app."""

    provider: Provider
    app_id: str
    subject: str

    def __repr__(self) -> str:
        return f"Shown({self.provider.value})"


class Exchange(Protocol):
    """Exchanges a provider's code."""

    async def shown(self, code: str) -> Shown:
        """Whose account it is. Raises DoorCodeRefused, DoorBlocked, DoorBusy, DoorUnavailable."""


async def ask(verify: ssl.SSLContext, method: str, address: str, values: Mapping[str, str]) -> bytes:
    """The body of the answer. Raises DoorUnavailable for anything but a 200 of bearable size in time."""
    body = bytearray()
    try:
        async with (
            httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False, verify=verify) as client,
            _stream(client, method, address, values) as answer,
        ):
            if answer.status_code != 200:
                raise unavailable(f"status {answer.status_code}")
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise unavailable("the answer is too long")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise unavailable(type(error).__name__) from None  # the error may hold the address, and so the secret
    return bytes(body)


def _stream(
    client: httpx.AsyncClient, method: str, address: str, values: Mapping[str, str]
) -> AbstractAsyncContextManager[httpx.Response]:
    if method == "GET":
        return client.stream(method, address, params=dict(values))
    return client.stream(method, address, data=dict(values))


def unavailable(reason: str) -> DoorUnavailable:
    """The refusal, told to the operator's log with its reason: never a code, a secret or a subject."""
    _log.warning("door_unavailable", reason=reason)
    return DoorUnavailable()
