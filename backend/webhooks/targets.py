"""Where a webhook may lead: to public networks, whatever a name says today and wherever a redirect points.

The address is looked up once per connection, judged, and then connected to itself; a name that answers differently the
second time gains nothing. TLS still verifies the name.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import httpcore

from backend.kit.settings import Settings
from backend.webhooks.errors import TargetRefused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
LOOKED_UP_WITHIN_S = 3
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address


def allowed_networks(settings: Settings) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """Networks that webhooks may reach although they are not public, and in the clear: for trying things out."""
    return tuple(
        ipaddress.ip_network(one.strip()) for one in settings.webhook_networks.split(",") if one.strip()
    )


def judge(settings: Settings, url: str) -> tuple[str, int]:
    """The host and port of an address that may be told something. Raises TargetRefused; looks nothing up."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise TargetRefused(reason="unreadable") from None
    if not host or not url.isascii() or any(mark.isspace() or ord(mark) < 0x20 for mark in url):
        raise TargetRefused(reason="unreadable")
    if parts.username is not None or parts.password is not None:
        raise TargetRefused(reason="user_name")
    if parts.scheme != "https" and not (parts.scheme == "http" and settings.webhook_networks):
        raise TargetRefused(reason="not_https")
    with contextlib.suppress(ValueError):
        _judge_address(settings, ipaddress.ip_address(host), encrypted=parts.scheme == "https")
    return host, port or (443 if parts.scheme == "https" else 80)


async def addresses(settings: Settings, host: str, port: int, *, encrypted: bool) -> list[str]:
    """The addresses of a host, all of them good to connect to. Raises TargetRefused when one is not, or there is none."""
    try:
        async with asyncio.timeout(LOOKED_UP_WITHIN_S):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError):
        raise TargetRefused(reason="not_found") from None
    texts = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for one in texts:
        _judge_address(settings, ipaddress.ip_address(one.partition("%")[0]), encrypted=encrypted)
    if not texts:
        raise TargetRefused(reason="not_found")
    return texts


def _judge_address(settings: Settings, address: Address, *, encrypted: bool) -> None:
    inner = _inner(address)
    if any(inner in network for network in allowed_networks(settings) if network.version == inner.version):
        return
    if not encrypted:
        raise TargetRefused(reason="not_https")
    if not inner.is_global or inner.is_multicast or inner.is_reserved or inner.is_unspecified:
        raise TargetRefused(reason="not_public")


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one carries, if it does."""
    if isinstance(address, ipaddress.IPv6Address):
        carried = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if carried is None and address in _TRANSLATED:
            carried = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return carried or address
    return address


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were judged, not to names. `encrypted`: whether TLS will be spoken on top."""

    def __init__(self, settings: Settings, *, encrypted: bool) -> None:
        self._settings = settings
        self._encrypted = encrypted
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface's own name
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        found = await addresses(self._settings, host, port, encrypted=self._encrypted)
        for place, address in enumerate(found):
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if place == len(found) - 1:
                    raise
        raise httpcore.ConnectError("no address")  # pragma: no cover - `addresses` answers one at least

    async def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:  # noqa: ARG002
        raise httpcore.ConnectError("no sockets of this machine")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
