"""The permissions that the endpoints of this surface ask for."""

from __future__ import annotations

from typing import Annotated

from backend.identity import Role
from backend.kit.access import Principal, requires

Operator = Annotated[Principal, requires(Role.OPERATOR)]
Authority = Annotated[Principal, requires(Role.AUTHORITY)]
OperatorOrAuthority = Annotated[Principal, requires(Role.OPERATOR, Role.AUTHORITY)]
OperatorOrPartner = Annotated[Principal, requires(Role.OPERATOR, Role.PARTNER)]
PartnerOrAbove = Annotated[Principal, requires(Role.PARTNER, Role.OPERATOR, Role.AUTHORITY)]
Partner = Annotated[Principal, requires(Role.PARTNER)]
