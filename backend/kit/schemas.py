"""What the schemas of every surface have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints


class Asked(BaseModel):
    """A request's body: what is not named in it is refused."""

    model_config = ConfigDict(extra="forbid")


class Told(BaseModel):
    """An answer's body."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)


Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Code = Annotated[str, StringConstraints(pattern="^[a-z0-9][a-z0-9-]{1,62}$")]
