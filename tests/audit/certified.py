"""Rides enough for credits, live ones and a demonstration's, certified as they really are: rows of every table of that."""

from __future__ import annotations

from pathlib import Path

from backend.certification import shortfalls
from backend.identity import Role, staff
from backend.kit.db import Database
from backend.kit.settings import Settings
from tests.certification.conftest import Town
from tests.certification.shortfalls.conftest import withdraw

LIVE_T, DEMO_T = 12, 2
RIDE_G = 4_870  # the longest ride that the methodology accepts
OPERATOR = "gd-operator"


class Certified:
    """The steps in their order; the city has its authority, its programme and its riders already."""

    def __init__(self, db: Database, settings: Settings, folder: Path) -> None:
        self.town = Town(db, settings, folder)

    async def demonstration(self) -> None:
        """Rides from before the methodology was filed, under an override."""
        async with self.town.db.transaction() as session:
            for login in ("first", "second"):
                self.town.staff[login] = (await staff.staff_by_login(session, login=login)).id
        await self.town.hire(OPERATOR, [Role.OPERATOR], ["anna", "boris"])
        await self.town.hire("verifier", [Role.VERIFICATION_BODY], ["vera"])
        await self.town.register()
        await self.town.override()
        await self._ride("2026-08", DEMO_T)
        await self.town.ride("2026-07", [RIDE_G], account="B0")

    async def issue(self) -> None:
        """A demonstration's batch, and a series of two: one issued on its second statement, the next one frozen."""
        batch = await self.town.close("2026-08", demo=True)
        await self.town.verify(batch)
        await self.town.issue(batch)
        await self._make_good()
        await self._ride("2026-09", LIVE_T)
        batch = await self.town.close("2026-09")
        await self.town.verify(batch, findings={0: 0, 5: 4_000})
        await self.town.find(batch, 5, RIDE_G)  # taken back
        await self.town.state(batch, deduction_g=1_000)
        await self.town.issue(batch)
        following = await self.town.close("2026-10")
        await self.town.certify(following)
        await self.town.assign(following)

    async def _make_good(self) -> None:
        """Of the demonstration's issued acts two are withdrawn: a batch has grams for one, a tonne goes for the other."""
        await withdraw(self.town, "2026-08", grams=RIDE_G, many=2)
        batch = await self.town.close("2026-07", demo=True)
        await self.town.verify(batch)
        await self.town.issue(batch)
        async with self.town.db.transaction() as session:
            await shortfalls.cancel(
                session,
                series=batch.series,
                ordered_by=self.town.staff["first"],
                reason="the demonstration is over",
            )

    async def _ride(self, month: str, tonnes: int) -> None:
        rides = tonnes * 1_000_000 // RIDE_G + 5
        await self.town.ride(month, [RIDE_G] * rides, account="B0", a_day=200)
