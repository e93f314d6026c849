"""Column helpers for SQLModel tables; the tables themselves are made by the migrations."""

from __future__ import annotations

import enum
from typing import Any

from sqlalchemy import BigInteger, DateTime, Enum
from sqlalchemy.dialects.postgresql import JSONB


def text_enum(kind: type[enum.Enum]) -> Any:
    """Store an enum as its value in a text column, without a database type of its own."""
    return Enum(
        kind, native_enum=False, values_callable=lambda members: [m.value for m in members], length=64
    )


moment = DateTime(timezone=True)
whole = BigInteger()
document = JSONB()
