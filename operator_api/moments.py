"""Moments that staff name: with an offset, and within what calendars agree on."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime


def _plausible(at: datetime) -> datetime:
    if not 2000 <= at.year <= 2100:
        raise ValueError
    return at


Moment = Annotated[AwareDatetime, AfterValidator(_plausible)]
