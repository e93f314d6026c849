"""What a means and a holding look like to the rest of the platform; migration 0004 states the rules."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


class MeansKind(enum.StrEnum):
    """What a participant acts with."""

    CARD = "card"
    BIKE_ACCOUNT = "bike_account"
    BIKE = "bike"
    CHARGING_ACCOUNT = "charging_account"
    METER = "meter"
    CHARGER = "charger"  # a charging point at home, that reports itself
    SOLAR = "solar"  # a photovoltaic inverter
    HEAT_PUMP = "heat_pump"


class Proof(enum.StrEnum):
    """How the holder was shown to hold it."""

    PARTNER_CODE = "partner_code"  # a code that only the means' operator can tell
    PARTNER_LIST = "partner_list"  # the operator's own list of whose it is
    LAST_TRIPS = "last_trips"  # when its last trips were
    SMALL_CHARGE = "small_charge"  # what its operator charged to it


@dataclass(frozen=True, slots=True)
class Holding:
    """A means in the hands of one participant: from `held_from` up to but not including `held_until`."""

    id: int
    kind: str
    operator: str
    participant_id: UUID
    held_from: datetime
    held_until: datetime | None
    proof: Proof
    linked_at: datetime
    hint: str | None = None  # the last characters of the number, for its holder only


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a partner's list: whose the means with this number is, and since when."""

    number: str
    participant_id: UUID
    held_from: datetime
