"""From a card or account number to the token that stands for it everywhere, and the codes that prove holding it.

A number is never stored. A token is a keyed digest: whoever has the table but not the key cannot try out numbers.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from backend.identity.means.errors import MeansMisnamed
from backend.kit.settings import Keys

TOKEN_BYTES = 16
CODE_DIGITS = 8
_KIND = re.compile(r"[a-z][a-z_]{0,30}")
_OPERATOR = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")
_LONGEST_NUMBER = 64


def means_token(keys: Keys, kind: str, operator: str, number: str) -> UUID:
    """The token of one means: HMAC-SHA-256 under the platform's key, cut to 16 bytes."""
    return UUID(bytes=means_tokens(keys, kind, operator, [number])[0])


def means_tokens(keys: Keys, kind: str, operator: str, numbers: Sequence[str]) -> list[bytes]:
    """The tokens (16 bytes each) of many means of one kind and operator, in the order given."""
    check_names(kind, operator)
    key, prefix = keys.derive("means"), f"{kind}|{operator}|".encode()
    digest, sha256 = hmac.digest, hashlib.sha256
    return [digest(key, prefix + number.strip().encode(), sha256)[:TOKEN_BYTES] for number in numbers]


def link_code(keys: Keys, *, kind: str, operator: str, number: str, day: date) -> str:
    """The 8 digits by which `operator` lets the holder of `number` prove it on that Shanghai day and the next.

    A partner computes the same from `link_key`, so that codes need not travel through the platform.
    """
    check_names(kind, operator)
    message = f"{kind}|{number.strip()}|{day.isoformat()}".encode()
    digest = hmac.digest(link_key(keys, operator), message, hashlib.sha256)
    return f"{int.from_bytes(digest[:8]) % 10**CODE_DIGITS:0{CODE_DIGITS}d}"


def link_key(keys: Keys, operator: str) -> bytes:
    """The secret (32 bytes) that the platform shares with one operator to make link codes."""
    return keys.derive("link/" + operator)


def check_names(kind: str, operator: str, number: str = "1") -> None:
    """Refuse names that could be read in two ways."""
    if not (
        _KIND.fullmatch(kind)
        and _OPERATOR.fullmatch(operator)
        and 0 < len(number.strip()) <= _LONGEST_NUMBER
        and number.isprintable()
    ):
        raise MeansMisnamed
