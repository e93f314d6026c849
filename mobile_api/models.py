"""What every schema of this surface has in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from backend.kit import i18n
from backend.kit.errors import Language


class Asked(BaseModel):
    """A request's body: what is not named here is refused."""

    model_config = ConfigDict(extra="forbid")


class Told(BaseModel):
    """An answer's body."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)


Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


def language() -> Language:
    """The language of this answer."""
    return i18n.language()
