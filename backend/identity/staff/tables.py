"""What a member of staff looks like to the rest of the platform; migration 0004 states the rules."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from backend.identity.organisations import Role


@dataclass(frozen=True, slots=True)
class Staff:
    """Someone who acts for an organisation, in some of its roles."""

    id: UUID
    organisation_id: UUID
    login: str
    roles: frozenset[Role]
    active: bool


@dataclass(frozen=True, slots=True)
class NewStaff:
    """A new member of staff and the one sight of the secret that their authenticator needs."""

    staff: Staff
    totp_uri: str
