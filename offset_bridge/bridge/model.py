"""What callers get of a bridge transfer."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from backend.ledger import SerialRange


class StepName(enum.StrEnum):
    """What happens to the units, in this order; after `locked` comes either `deposited` or `returned`."""

    LOCKED = "locked"  # out of the owner's holding, in the book that issued them
    DEPOSITED = "deposited"  # in the owner's account in the market's book, under the same numbers
    RETURNED = "returned"  # back in the owner's holding: the market's registry refused
    CONFIRMED = "confirmed"  # what was locked has left the book that issued it, for good


FOLLOWS: dict[StepName, StepName | None] = {
    StepName.LOCKED: None,
    StepName.DEPOSITED: StepName.LOCKED,
    StepName.RETURNED: StepName.LOCKED,
    StepName.CONFIRMED: StepName.DEPOSITED,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step that was taken; `reason` is the code of the refusal where units were returned."""

    step: StepName
    posting_id: UUID
    reason: str | None
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class BridgeTransfer:
    """Tonnes of one owner on their way from `from_book` to `to_book`, with the steps taken so far."""

    id: UUID
    market: str
    from_book: str
    to_book: str
    owner: str
    quantity_t: int
    serials: tuple[SerialRange, ...]
    asked_by: UUID
    asked_at: datetime
    steps: tuple[Step, ...]

    @property
    def state(self) -> StepName:
        """The last step taken."""
        return self.steps[-1].step

    @property
    def finished(self) -> bool:
        return self.state in {StepName.RETURNED, StepName.CONFIRMED}
