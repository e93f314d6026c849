"""The plainest model of the whole path: numbers in dictionaries, and lists of what was asked and how it ended.

A tonne is an entry: from its book and number to the code of the account that it lies in.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

GRAMS_PER_TONNE = 1_000_000
ORIGIN, CROSSED, ALLOWANCES = "phcer", "guangdong-phcer", "guangdong-gdea-2025"

Ride = tuple[str, str]  # account, start
Tonne = tuple[str, int]  # book, number


@dataclass
class File:
    """A file of rides, so that it can be taken in again: metres by account and start."""

    metres: dict[Ride, int]

    def text(self) -> str:
        """As the partner writes it."""
        lines = [
            f"{account},{start},{start[:10]} 23:30:00,{far}" for (account, start), far in self.metres.items()
        ]
        return "\n".join(["account_no,started_at,ended_at,distance_m", *lines]) + "\n"


@dataclass
class Redeemed:
    citizen: int
    offer: str
    id: UUID
    code: str
    drawn: dict[dt.date, int]
    made_at: dt.datetime
    ended: str | None = None  # captured, released
    captured_at: dt.datetime | None = None
    refunded: bool = False

    @property
    def points(self) -> int:
        return sum(self.drawn.values())


@dataclass
class Act:
    """A two-person act that waits for its second person, or no longer."""

    id: UUID
    by: str
    shown: bytes
    expires_at: dt.datetime
    revision: int = 0
    decided: bool = False


@dataclass
class Batch:
    id: UUID
    acts: Counter[int]  # how many acts of so many grams
    carry_in_g: int
    report_acts: list[Act] = field(default_factory=list)
    certified: bool = False
    assigned: bool = False
    sampled: bool = False
    found: dict[int, tuple[int, int]] = field(default_factory=dict)  # position: frozen, keeps
    revision: int = 0
    rejected_g: int = 0
    deducted_g: int = 0
    issuance_acts: list[Act] = field(default_factory=list)
    issued: bool = False

    @property
    def frozen_g(self) -> int:
        return sum(grams * acts for grams, acts in self.acts.items())

    @property
    def keeps_g(self) -> int:
        """What the acts have after the findings so far."""
        return self.frozen_g - sum(frozen - keeps for frozen, keeps in self.found.values())

    @property
    def certified_g(self) -> int:
        """What the statement certifies, the carry included."""
        return self.carry_in_g + self.frozen_g - self.rejected_g - self.deducted_g


@dataclass
class Crossing:
    id: UUID
    owner: str
    numbers: list[int]
    state: str = "locked"


@dataclass
class Sale:
    id: UUID
    seller: str
    buyer: str
    numbers: list[int]
    price_fen: int
    expires_at: dt.datetime
    outcome: str | None = None


@dataclass
class Pledge:
    id: UUID
    owner: str
    tonnes: list[Tonne]
    released: bool = False


@dataclass
class Model:
    """All that there is. `serials` are the numbers issued so far, by batch, with the batches' own first numbers."""

    now: dt.datetime
    files: list[File] = field(default_factory=list)
    contested: set[tuple[Ride, int]] = field(default_factory=set)  # rides that contradicted known ones
    claimed: dict[Ride, int] = field(default_factory=dict)  # metres
    # points
    lots: dict[tuple[int, dt.date], int] = field(default_factory=lambda: defaultdict(int))
    redeemed: list[Redeemed] = field(default_factory=list)
    stock: dict[str, int | None] = field(default_factory=dict)
    issued_points: int = 0
    expired_points: int = 0
    # grams
    pools: dict[str, list[int]] = field(
        default_factory=lambda: defaultdict(list)
    )  # month: an act's grams each
    batches: list[Batch] = field(default_factory=list)
    carry_g: int = 0
    rejected_g: int = 0
    deducted_g: int = 0
    credited_g: int = 0
    # tonnes and money
    tonnes: dict[Tonne, str] = field(default_factory=dict)
    crossings: list[Crossing] = field(default_factory=list)
    sales: list[Sale] = field(default_factory=list)
    pledges: list[Pledge] = field(default_factory=list)
    cash: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    close_act: Act | None = None
    closed: bool = False

    @property
    def today(self) -> dt.date:
        return self.now.date()  # the machine's clock is in Shanghai

    def spendable(self, citizen: int) -> list[dt.date]:
        """Live lots, the one that lapses first at the front."""
        return sorted(
            day for (who, day), points in self.lots.items() if who == citizen and points and day >= self.today
        )

    def take(self, citizen: int, points: int) -> dict[dt.date, int]:
        """Draw points from the lots that lapse first."""
        taken: dict[dt.date, int] = {}
        for day in self.spendable(citizen):
            part = min(points, self.lots[citizen, day])
            if part:
                taken[day] = part
                self.lots[citizen, day] -= part
                points -= part
        return taken

    def give(self, redeemed: Redeemed) -> None:
        """Back into the very lots."""
        for day, points in redeemed.drawn.items():
            self.lots[redeemed.citizen, day] += points

    def held(self, citizen: int) -> int:
        return sum(one.points for one in self.redeemed if one.citizen == citizen and one.ended is None)

    def payable(self, offers: set[str]) -> int:
        """Captured less refunded, of these offers."""
        return sum(
            one.points
            for one in self.redeemed
            if one.offer in offers and one.ended == "captured" and not one.refunded
        )

    def put_back(self, offer: str) -> None:
        left = self.stock[offer]
        self.stock[offer] = None if left is None else left + 1

    def lowest(self, account: str, book: str, quantity: int) -> list[int] | None:
        """The lowest numbers that an account holds in a book; None when it holds fewer."""
        held = sorted(
            number for (own, number), where in self.tonnes.items() if own == book and where == account
        )
        return held[:quantity] if len(held) >= quantity else None

    def move(self, book: str, numbers: list[int], *, source: str, target: str) -> None:
        for number in numbers:
            assert self.tonnes[book, number] == source, (book, number)
            self.tonnes[book, number] = target

    def holds(self, account: str, book: str) -> int:
        return sum(own == book and where == account for (own, _), where in self.tonnes.items())

    def standing(self, owner: str, book: str | None = None) -> int:
        """Tonnes that an entity has pledged and not taken back, of one book or of all."""
        return sum(
            own == book or book is None
            for one in self.pledges
            if one.owner == owner and not one.released
            for own, _ in one.tonnes
        )

    def facts(self) -> dict[str, Any]:
        """What a failing example shows beside its steps."""
        return {"now": self.now.isoformat(), "tonnes": len(self.tonnes), "batches": len(self.batches)}
