"""Why a look is refused."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class ReasonMissing(DomainError):
    """Whoever opens what is one person's says why, in 500 characters at most."""

    code = "identity.reason_missing"
    kind = Kind.INVALID
    title_zh = "查看个人信息须说明理由，至多 500 字。"
