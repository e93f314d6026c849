"""Columns of texts to columns of numbers: exact, in one pass, each bad value told by its row and reason.

The quick way takes a whole column at once; where one value is not sound, the column is read value by value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from backend.methodologies import MISSING

Int64s = NDArray[np.int64]
Codes = dict[int, str]  # row number in the batch to reason code

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BUCKET_US = 15 * 60 * 1_000_000  # no zone changes its offset inside a quarter of an hour
_EARTH_RADIUS_M = 6_371_008.8  # mean radius, IUGG
_SHORTEST_TIME = len("2020-04-01 01:06:20")


def filled(texts: pa.StringArray) -> pa.StringArray:
    """The texts, trimmed, with nulls where there is nothing."""
    trimmed = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)


def read_times(texts: pa.StringArray, zone: ZoneInfo) -> tuple[Int64s, Codes]:
    """Microseconds since 1970 in UTC; a time without an offset is local time of `zone`, the earlier where it is twice.

    `MISSING` where there is no value or it is not a time.
    """
    shortest = pc.min(pc.utf8_length(texts)).as_py()  # Arrow also takes days without a time
    try:
        if shortest is None or shortest < _SHORTEST_TIME:
            raise pa.ArrowInvalid("not all of them are whole times")  # noqa: TRY301 - one way out
        local = texts.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        return _one_by_one(texts, "not_a_time", lambda text: _read_time(text, zone))
    absent = np.asarray(local.is_null())
    moments = _to_utc(local.cast(pa.int64()).fill_null(0).to_numpy(), zone)
    return np.where(absent, MISSING, moments), {}


def _to_utc(local: Int64s, zone: ZoneInfo) -> Int64s:
    buckets = local // _BUCKET_US
    found, places = np.unique(buckets, return_inverse=True)
    offsets = np.array([_offset_us(int(bucket), zone) for bucket in found], dtype=np.int64)
    return local - offsets[places]


def _offset_us(bucket: int, zone: ZoneInfo) -> int:
    try:
        moment = datetime(1970, 1, 1) + timedelta(microseconds=bucket * _BUCKET_US)  # noqa: DTZ001 - local time
        offset = moment.replace(tzinfo=zone).utcoffset()
    except OverflowError:
        return 0
    return 0 if offset is None else int(offset.total_seconds()) * 1_000_000


def _read_time(text: str, zone: ZoneInfo) -> int:
    moment = datetime.fromisoformat(text.strip())
    if len(text.strip()) < 16:
        raise ValueError("a day without a time")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return int((moment.astimezone(UTC) - _EPOCH) / timedelta(microseconds=1))


def read_whole(texts: pa.StringArray) -> tuple[Int64s, Codes]:
    """Whole numbers; `MISSING` where there is none."""
    try:
        numbers = texts.cast(pa.int64())
    except pa.ArrowInvalid:
        return _one_by_one(texts, "not_a_number", _read_whole)
    return numbers.fill_null(MISSING).to_numpy(), {}


def _read_whole(text: str) -> int:
    if not re.fullmatch(r"\s*-?\d{1,18}\s*", text, re.ASCII):
        raise ValueError("not a whole number")
    return int(text)


def read_quantities(texts: pa.StringArray, scale: Fraction) -> tuple[Int64s, Codes]:
    """Decimal figures times `scale`, floored to whole numbers of the input's unit; exact, no float."""

    def read(text: str) -> int:
        figure = Decimal(text.strip())
        if not figure.is_finite() or abs(figure) > 10**12 or len(text) > 40:
            raise ValueError("not a usable figure")
        return int(Fraction(figure) * scale // 1)

    return _one_by_one(texts, "not_a_number", read)


def great_circle_m(corners: Sequence[pa.StringArray]) -> tuple[Int64s, dict[int, tuple[int, str]]]:
    """Whole metres, floored, between start and end (latitude, longitude, latitude, longitude in degrees).

    A row that is not sound is told with the place of the corner that is not, 0 to 3, and the reason.
    The great circle on a sphere of the mean radius is a lower bound of any way on the ground.
    """
    degrees: list[NDArray[np.float64]] = []
    bad: dict[int, tuple[int, str]] = {}
    for place, (texts, limit) in enumerate(zip(corners, (90.0, 180.0, 90.0, 180.0), strict=True)):
        values = _read_degrees(texts)
        outside = np.nonzero(~(np.abs(values) <= limit))[0]
        for row in outside.tolist():
            bad.setdefault(row, (place, "not_coordinates" if texts[row].is_valid else "missing"))
        degrees.append(np.radians(values))
    lat1, lon1, lat2, lon2 = degrees
    with np.errstate(invalid="ignore"):
        half = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
        metres = np.floor(2 * _EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0))))
    whole = np.where(np.isfinite(metres), metres, 0).astype(np.int64)
    if bad:
        whole[list(bad)] = MISSING
    return whole, bad


def _read_degrees(texts: pa.StringArray) -> NDArray[np.float64]:
    try:
        numbers = texts.cast(pa.float64())
        return np.asarray(numbers.to_numpy(zero_copy_only=False), dtype=np.float64)
    except pa.ArrowInvalid:
        return np.array([_degree(text) for text in texts.to_pylist()], dtype=np.float64)


def _degree(text: str | None) -> float:
    try:
        return float(text) if text else float("nan")
    except ValueError:
        return float("nan")


def _one_by_one(texts: pa.StringArray, code: str, read: Callable[[str], int]) -> tuple[Int64s, Codes]:
    values = np.full(len(texts), MISSING, dtype=np.int64)
    bad: Codes = {}
    for row, text in enumerate(texts.to_pylist()):
        if text is None:
            continue
        try:
            values[row] = read(text)
        except (ValueError, OverflowError, InvalidOperation):
            bad[row] = code
    return values, bad
