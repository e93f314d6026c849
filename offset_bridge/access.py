"""Who may ask for what on the compliance side, besides the holders of units."""

from __future__ import annotations

from typing import Annotated

from backend.identity import Role
from backend.kit.access import Principal, requires

Authority = Annotated[Principal, requires(Role.AUTHORITY)]
Party = Annotated[Principal, requires(Role.AUTHORITY, Role.ENTERPRISE, Role.OPERATOR)]
