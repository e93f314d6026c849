"""What can be refused about tokens."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class TokenRefused(DomainError):
    """The token is not good here: unknown, expired, used up, or made for something else."""

    code = "identity.token_refused"
    kind = Kind.UNAUTHENTICATED
    title_zh = "令牌在此无效：未知、过期、已用过，或另有用途。"
