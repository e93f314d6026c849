"""How often one address may ask: moving windows, counted in Redis for all processes together.

    limiter = Limiter(settings, policies={"/public/v1": Policy("public", quota=600, window_s=60)})
    http.wire(app, …, limiter=limiter)     the outermost layer asks it before it reads anything of a request

Who asks is the socket's other end. Forwarded addresses are believed only when a proxy named in
`PUHUI_TRUSTED_PROXIES` says them, and only as far as such proxies say them. An IPv6 network of 64 bits counts as one.

A process takes several turns at a time for an address, a hundredth of its quota or a quarter of what it asked in the
last second, so that Redis is not asked for each of them; unused ones are lost after a second. While Redis is away every
process counts for itself, with the same quotas; that is logged and shown by a metric.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.asyncio import BlockingConnectionPool
from redis.exceptions import RedisError
from starlette.datastructures import Headers
from starlette.types import Scope

from backend.kit import logging, metrics, tasks
from backend.kit.errors import DomainError, Kind
from backend.kit.settings import Settings

PATIENCE_S = 1.0  # for Redis; then this process counts by itself
CONNECTIONS = 16  # to Redis, of one process
AWAY_S = 5.0  # until Redis is asked again
SHARE_S = 1.0  # how long turns that were taken at once are good for
REFUSED_S = 0.2  # how long a refusal is repeated without asking again
MOST_SHARES = 10_000  # addresses remembered in a process

Address = IPv4Address | IPv6Address
Networks = Sequence[Any]

_log = logging.get("puhui.limits")
_counting_alone = metrics.Gauge(
    "puhui_rate_limits_local", "1 while Redis is away and each process counts for itself.",
    registry=metrics.registry,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Policy:
    """At most `quota` requests of one address in any `window_s` seconds."""

    name: str
    quota: int
    window_s: int = 60


class RateLimited(DomainError):
    """Too many requests; try again later."""

    code = "kit.rate_limited"
    kind = Kind.RATE_LIMITED
    title_zh = "请求过于频繁，请稍后再试。"

    def __init__(self, policy: Policy, *, retry_after_s: int) -> None:
        super().__init__()
        self.policy = policy
        self.retry_after_s = retry_after_s
        self.headers = {"retry-after": str(retry_after_s)}

    def facts(self) -> dict[str, Any]:
        """The policy, by the member that the IETF draft on RateLimit fields names, and the seconds to wait."""
        return {"violated-policies": [self.policy.name], "retry_after_s": self.retry_after_s}


@dataclass(frozen=True, slots=True)
class Turn:
    """Whether a request may go on, and the RateLimit fields of its answer."""

    headers: Mapping[str, str] = field(default_factory=dict)
    refused: RateLimited | None = None


@dataclass(slots=True)
class _Share:
    """What a process knows of one address: turns in hand, and how often it asked."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    left: int = 0
    refused_until: float = 0.0
    good_until: float = 0.0
    remaining: int = 0
    resets_at: float = 0.0
    second: int = 0
    asked: int = 0  # in that second
    before: int = 0  # in the second before

    def use(self, now: float) -> bool | None:
        """Take a turn that is in hand, or be refused as a moment ago; None when Redis has to be asked."""
        if self.left > 0 and now < self.good_until:
            self.left -= 1
            return True
        return False if now < self.refused_until else None

    def note(self, now: float) -> int:
        """Count a request; how many there were in the last second or so."""
        second = int(now)
        if second != self.second:
            self.before = self.asked if second == self.second + 1 else 0
            self.second, self.asked = second, 0
        self.asked += 1
        return max(self.before, self.asked)


class Limiter:
    """Counts requests by surface and address."""

    def __init__(self, settings: Settings, *, policies: Mapping[str, Policy | None]) -> None:
        assert settings.redis_url is not None
        url = tasks.client_url(settings.redis_url.get_secret_value())
        self._policies = sorted(policies.items(), key=lambda one: -len(one[0]))
        self._factor = settings.rate_limit_factor
        self._trusted = networks(settings.trusted_proxies)
        self._key = settings.keys.derive("rate-limits")[:32]
        self._pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=PATIENCE_S,
            socket_timeout=PATIENCE_S,
            socket_connect_timeout=PATIENCE_S,
        )
        self._redis = RedisStorage("async+redis://", implementation="redispy", connection_pool=self._pool)  # type: ignore[arg-type]  # the pool knows the address
        self._everywhere = MovingWindowRateLimiter(self._redis)
        self._here = MovingWindowRateLimiter(MemoryStorage())
        self._ask_again_at: float | None = None  # None while Redis answers
        self._shares: dict[str, _Share] = {}

    async def turn(self, scope: Scope) -> Turn:
        """Take a turn for this request, before anything of it is read."""
        policy = self._policy_of(scope["path"])
        if policy is None:
            return Turn()
        return await self.turn_of(client_address(scope, trusted=self._trusted), policy)

    async def turn_of(self, subject: str, policy: Policy) -> Turn:
        """Take a turn for whoever is named, an address or a caller whose name is known by now."""
        who = self._who(subject, policy)
        share = self._share_of(who)
        now = time.time()
        often = share.note(now)
        admitted = share.use(now)
        if admitted is None:
            async with share.lock:  # one asks for all who wait
                admitted = share.use(time.time())
                if admitted is None:
                    admitted = await self._take(
                        policy, who, share, turns=max(self._quota(policy) // 100, often // 4, 1)
                    )
        remaining = max(0, share.remaining + share.left)
        wait = max(1, math.ceil(share.resets_at - time.time()))
        headers = {
            "ratelimit-policy": f'"{policy.name}";q={self._quota(policy)};w={policy.window_s}',
            "ratelimit": f'"{policy.name}";r={remaining if admitted else 0};t={wait}',
        }
        return Turn(headers, None if admitted else RateLimited(policy, retry_after_s=wait))

    async def close(self) -> None:
        """Let go of Redis."""
        await self._pool.aclose()

    def _policy_of(self, path: str) -> Policy | None:
        return next((policy for prefix, policy in self._policies if path.startswith(prefix)), None)

    def _quota(self, policy: Policy) -> int:
        return policy.quota * self._factor

    def _who(self, subject: str, policy: Policy) -> str:
        """Subject and policy, so that Redis holds no address."""
        return hashlib.blake2b(
            f"{policy.name}\n{subject}".encode(), key=self._key, digest_size=12
        ).hexdigest()

    def _share_of(self, who: str) -> _Share:
        if len(self._shares) >= MOST_SHARES and who not in self._shares:
            now = time.time()
            self._shares = {key: one for key, one in self._shares.items() if now < one.good_until}
            if len(self._shares) >= MOST_SHARES:
                self._shares.clear()
        return self._shares.setdefault(who, _Share())

    def _redis_may_answer(self) -> bool:
        """True unless it did not a moment ago; when that moment is over, true for one request, which finds out."""
        if self._ask_again_at is None:
            return True
        if time.monotonic() < self._ask_again_at:
            return False
        self._ask_again_at = time.monotonic() + AWAY_S
        return True

    async def _take(self, policy: Policy, who: str, share: _Share, *, turns: int) -> bool:
        item = RateLimitItemPerSecond(self._quota(policy), policy.window_s, namespace="puhui")
        if self._redis_may_answer():
            try:
                admitted = await _take(self._everywhere, item, who, share, turns=turns)
            except (RedisError, OSError, TimeoutError) as error:
                if self._ask_again_at is None:
                    _log.warning("redis is away; each process counts requests for itself", exc_info=error)
                self._ask_again_at = time.monotonic() + AWAY_S
                _counting_alone.set(1)
            else:
                self._ask_again_at = None
                _counting_alone.set(0)
                return admitted
        return await _take(self._here, item, who, share, turns=turns)


async def _take(
    limiter: MovingWindowRateLimiter, item: RateLimitItemPerSecond, who: str, share: _Share, *, turns: int
) -> bool:
    """Take several turns at once, or else one."""
    taken = 0
    for cost in dict.fromkeys((turns, 1)):
        if await limiter.hit(item, who, cost=cost):
            taken = cost
            break
    now = time.time()
    if now >= share.resets_at:
        share.remaining, share.resets_at = item.amount, now + item.get_expiry()
    share.remaining -= taken
    if not taken or share.remaining < item.amount // 2:  # before that, what this process knows is near enough
        stats = await limiter.get_window_stats(item, who)
        share.remaining, share.resets_at = stats.remaining, stats.reset_time
    share.left = max(0, taken - 1) + (share.left if now < share.good_until else 0)
    share.good_until = now + SHARE_S
    share.refused_until = 0.0 if taken else now + REFUSED_S
    return taken > 0


# --- addresses ----------------------------------------------------------------------------------------------------


def networks(written: str) -> Networks:
    """The networks in a list separated by commas; ValueError when one is none."""
    return [ip_network(one.strip()) for one in written.split(",") if one.strip()]


def client_address(scope: Scope, *, trusted: Networks) -> str:
    """Where a request comes from: the nearest address that is not a trusted proxy's; `local` where there is none.

    `X-Forwarded-For` is read from its end and no further than trusted proxies wrote it: what a client puts in front
    of that changes nothing.
    """
    peer = scope.get("client")
    address = _peer(peer[0]) if peer else None
    if address is None:
        return "local"
    if trusted and _within(address, trusted):
        listed = ",".join(Headers(scope=scope).getlist("x-forwarded-for")).split(",")
        for written in reversed(listed[-50:]):
            said = _address(written.strip())
            if said is None:
                break
            address = said
            if not _within(address, trusted):
                break
    return _counted_as(address)


@lru_cache(maxsize=MOST_SHARES)
def _counted_as(address: Address) -> str:
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, 64), strict=False))
    return str(address)


def client_scheme(scope: Scope, *, trusted: Networks) -> str:
    """Whether the client itself said http or https: what a trusted proxy says, else how this connection came."""
    peer = scope.get("client")
    address = _peer(peer[0]) if peer else None
    if address is not None and _within(address, trusted):
        said = Headers(scope=scope).get("x-forwarded-proto", "").strip().lower()
        if said in {"http", "https"}:
            return said
    return str(scope["scheme"])


@lru_cache(maxsize=MOST_SHARES)
def _peer(written: str) -> Address | None:
    """`_address` of a socket's other end; what headers say is not remembered, it may be anything."""
    return _address(written)


def _address(written: str) -> Address | None:
    try:
        address = ip_address(written)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _within(address: Address, trusted: Networks) -> bool:
    return any(address in network for network in trusted)
