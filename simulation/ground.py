"""The ground that the city stands on: coordinates in degrees, distances in metres."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

EARTH_RADIUS_M = 6_371_000.0
LATITUDE, LONGITUDE = 23.10, 113.30  # somewhere in a city of the south; nothing here is a survey
HALF_WIDTH_M = 14_000


@dataclass(frozen=True, slots=True)
class Place:
    """A point; `name` is that of a station, empty for a kerb."""

    lat: float
    lon: float
    name: str = ""


def great_circle_m(start: Place, end: Place) -> float:
    """The haversine distance."""
    lat_1, lat_2 = math.radians(start.lat), math.radians(end.lat)
    half = (
        math.sin((lat_2 - lat_1) / 2) ** 2
        + math.cos(lat_1) * math.cos(lat_2) * math.sin(math.radians(end.lon - start.lon) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(half))


def moved(start: Place, *, east_m: float, north_m: float) -> Place:
    """The place so many metres off, to about 10 cm; it has no name."""
    lat = start.lat + math.degrees(north_m / EARTH_RADIUS_M)
    lon = start.lon + math.degrees(east_m / (EARTH_RADIUS_M * math.cos(math.radians(start.lat))))
    return Place(round(lat, 6), round(lon, 6))


def away(start: Place, distance_m: float, dice: Random) -> Place:
    """A place at that distance in a direction of chance."""
    angle = dice.random() * 2 * math.pi
    return moved(start, east_m=distance_m * math.cos(angle), north_m=distance_m * math.sin(angle))


def anywhere(dice: Random, *, spread_m: float = HALF_WIDTH_M) -> Place:
    """Somewhere in the city, denser towards its middle."""
    middle = Place(LATITUDE, LONGITUDE)
    return moved(
        middle,
        east_m=dice.triangular(-spread_m, spread_m, 0),
        north_m=dice.triangular(-spread_m, spread_m, 0),
    )


def nearest(place: Place, stations: list[Place]) -> Place:
    """The station that is nearest by the crow's way."""
    return min(stations, key=lambda s: (s.lat - place.lat) ** 2 + ((s.lon - place.lon) * 0.92) ** 2)
