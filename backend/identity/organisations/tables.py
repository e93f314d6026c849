"""Organisations and the roles they play; migration 0004 states the rules."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


class Role(enum.StrEnum):
    """What an organisation is on this platform, and what its staff may therefore act as."""

    OPERATOR = "operator"  # runs programmes
    MERCHANT = "merchant"  # takes points
    VERIFICATION_BODY = "verification_body"  # checks reductions
    AUTHORITY = "authority"  # files methodologies, approves issuance
    ENTERPRISE = "enterprise"  # has an obligation to surrender
    PARTNER = "partner"  # sends what people did


@dataclass(frozen=True, slots=True)
class Organisation:
    """A legal person with a code by which everything else refers to it."""

    id: UUID
    code: str
    name_zh: str
    name_en: str
    created_at: datetime
    roles: frozenset[Role]
