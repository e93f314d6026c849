"""Where a request comes from, and on which device, for the limits that count them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request

from backend.kit.http import settings_of
from backend.kit.limiting import client_address, networks


def address_of(request: Request) -> str:
    """The caller's network address: the nearest that is not a trusted proxy's; an IPv6 address counts as its /64."""
    return client_address(request.scope, trusted=networks(settings_of(request).trusted_proxies))


DeviceSecret = Annotated[
    str | None,
    Header(
        alias="Puhui-Device",
        min_length=22,
        max_length=128,
        pattern="^[A-Za-z0-9_-]+$",
        description="A secret that this installation of the client made at random (128 bits or more, base64url) and "
        "keeps. A session that began with one is refreshed with the same one only.",
    ),
]


@dataclass(frozen=True, slots=True)
class Caller:
    """The network address that asks, and the secret of the device where the client sends one."""

    address: str
    device: str | None


def _caller(request: Request, device: DeviceSecret = None) -> Caller:
    return Caller(address_of(request), device)


Calling = Annotated[Caller, Depends(_caller)]
