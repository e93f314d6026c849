"""Screens in the pipeline: what a person did before, beside the chunk, put before the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncSession

from backend.intake.methods import StoredMethod

if TYPE_CHECKING:
    from backend.intake.planning import Plan


@dataclass(slots=True)
class Screened:
    """What a plan's screens rested on, so that it can be checked again before the commit."""

    snapshot: str = ""


class Overtaken(Exception):
    """Acts that another transaction committed meanwhile would change what the screens say of this one's."""


class Screens:
    """No screens at all."""

    def in_front(self) -> Screens:
        """The same screens for an attempt that nobody may overtake again."""
        return self

    async def apply(
        self, session: AsyncSession, plan: Plan, *, source_id: int, methods: Sequence[StoredMethod]
    ) -> None:
        """Hold, reject or trim what the rules say of the plan's acts."""

    async def confirm(self, session: AsyncSession, plan: Plan) -> None:
        """Raise Overtaken when what others committed since would have changed a verdict. Called last before the commit."""


NO_SCREENS = Screens()
