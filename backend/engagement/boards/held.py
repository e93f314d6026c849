"""Boards in Redis: a sorted set and its size under the version of the rows that it was made from.

A change of the rows is another version, so a board of before is never read again and lapses. A board that is not there,
or not whole, is made again from the rows: Redis holds nothing that cannot be lost at any moment.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis

from backend.kit import tasks
from backend.kit.settings import Settings

PATIENCE_S = 1.0  # for Redis; then the rows are asked
KEPT_S = 3600  # boards of a version that nobody reads any more go by themselves

Values = Sequence[tuple[str, int]]  # member and value


@dataclass(frozen=True, slots=True)
class Top:
    """The first places of a board: rank, member, value; and how many there are in all."""

    places: tuple[tuple[int, str, int], ...]
    size: int


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Redis]:
    """A connection to Redis, for as long as one answer takes."""
    assert settings.redis_url is not None
    redis: Redis = Redis.from_url(
        tasks.client_url(settings.redis_url.get_secret_value()),
        socket_timeout=PATIENCE_S,
        socket_connect_timeout=PATIENCE_S,
        decode_responses=True,
    )
    try:
        yield redis
    finally:
        await redis.aclose()


async def put(redis: Redis, key: str, values: Values) -> None:
    """Hold a whole board: all of it or nothing. Scores are negative, so that equal values stand in the members' order.

    A score is exact below 2^53, which is nine billion tonnes in grams.
    """
    pipe = redis.pipeline(transaction=True)
    pipe.delete(key)
    if values:
        pipe.zadd(key, {member: -value for member, value in values})
        pipe.expire(key, KEPT_S)
    pipe.set(f"{key}:size", len(values), ex=KEPT_S)
    await pipe.execute()


async def top(redis: Redis, key: str, *, limit: int) -> Top | None:
    """The first places; None when the board is not there or not whole."""
    pipe = redis.pipeline(transaction=True)
    pipe.get(f"{key}:size")
    pipe.zcard(key)
    pipe.zrange(key, 0, limit - 1, withscores=True)
    size, held, rows = await pipe.execute()
    if size is None or int(size) != held:
        return None
    return Top(_with_ranks([(member, -int(score)) for member, score in rows]), held)


async def rank(redis: Redis, key: str, value: int) -> int:
    """Where a value stands: one more than those above it."""
    return 1 + int(await redis.zcount(key, "-inf", f"({-value}"))


def top_of(values: Values, *, limit: int) -> Top:
    """The same from rows."""
    ordered = sorted(values, key=lambda one: (-one[1], one[0]))
    return Top(_with_ranks(ordered[:limit]), len(ordered))


def rank_in(values: Values, value: int) -> int:
    """The same from rows."""
    return 1 + sum(one > value for _, one in values)


def _with_ranks(ordered: Values) -> tuple[tuple[int, str, int], ...]:
    """Equal values share a rank, and the next one counts all before it: 1, 2, 2, 4."""
    placed: list[tuple[int, str, int]] = []
    for position, (member, value) in enumerate(ordered, start=1):
        same = placed and placed[-1][2] == value
        placed.append((placed[-1][0] if same else position, member, value))
    return tuple(placed)
