"""Why an account does not close."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class AccountClosed(DomainError):
    """The account was closed."""

    code = "identity.account_closed"
    kind = Kind.CONFLICT
    title_zh = "账户已注销。"
