"""How suspensions are asked for and told."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from backend.kit.schemas import Asked, Told
from merchant.suspension.service import Kind, Step, Suspension

Reason = Annotated[
    str,
    StringConstraints(min_length=1, max_length=500, strip_whitespace=True),
    Field(examples=["涉嫌虚假核销，调查中 suspected false captures"]),
]


class Suspended(Asked):
    """What is suspended, and why; the merchant reads the reason."""

    kind: Kind
    subject_id: UUID = Field(description="The merchant organisation's, the shop's or the till's id.")
    reason: Reason


class Resumed(Asked):
    """Why it goes on."""

    reason: Reason


class SuspensionTold(Told):
    """One step. Odd numbers suspend, even ones let go on."""

    subject_id: UUID
    number: int
    kind: Kind
    merchant_id: UUID
    step: Step
    reason: str
    stepped_at: datetime

    @classmethod
    def of(cls, one: Suspension) -> SuspensionTold:
        return cls.model_validate(one)


class SuspensionStaffTold(SuspensionTold):
    """The same, with who took the step."""

    stepped_by: UUID
