"""What a contract says, and the days of its periods.

Figures of money are whole fen; what a point is worth and shares are exact decimals, written as strings.
"""

from __future__ import annotations

import calendar
import datetime as dt
import enum
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from merchant.contracts.errors import ContractInvalid

STANDARD = "standard"  # the term of offers that name none
MERCHANT = "merchant"  # the funder whose part is not paid: the merchant's own concession
_FUNDER = re.compile(r"programme|government|merchant|partner:[a-z0-9][a-z0-9-]{1,62}")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_MOST_FEN = 10**12


class Period(enum.StrEnum):
    """How often a statement is closed: weeks begin on Monday, months on the first, in Asia/Shanghai."""

    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True)
class Share:
    """A funder's share of what a capture is worth."""

    funder: str
    share: Decimal


@dataclass(frozen=True, slots=True)
class Fee:
    """A rule of a fee. `per_capture`: `fen` for each capture; `monthly`: `fen` for each month; `share`: `share` of what is
    paid for the period's captures less its refunds, rounded down, at least `floor_fen` and at most `cap_fen`.
    """

    id: str
    kind: str
    payer: str
    fen: int | None = None
    share: Decimal | None = None
    floor_fen: int | None = None
    cap_fen: int | None = None

    def as_body(self) -> dict[str, Any]:
        """As it is stored and shown; what it does not say is left out."""
        said = {"fen": self.fen, "floor_fen": self.floor_fen, "cap_fen": self.cap_fen}
        share = {} if self.share is None else {"share": str(self.share)}
        return {
            "id": self.id,
            "kind": self.kind,
            "payer": self.payer,
            **share,
            **{name: value for name, value in said.items() if value is not None},
        }


@dataclass(frozen=True, slots=True)
class Account:
    """Where the money goes. Sealed at rest; nobody reads it in a log."""

    holder: str
    bank: str
    number: str


@dataclass(frozen=True, slots=True)
class Edition:
    """An edition of a contract. Both days are included; `account_tail` is the last four digits of the account."""

    id: UUID
    merchant_id: UUID
    programme: str
    edition: int
    valid_from: dt.date
    valid_until: dt.date | None
    period: Period
    fen_per_point: Decimal
    terms: Mapping[str, Sequence[Share]]
    fees: Sequence[Fee]
    account_tail: str | None
    agreed_at: dt.datetime


def parse(
    *, fen_per_point: str, terms: Sequence[Mapping[str, Any]], fees: Sequence[Mapping[str, Any]]
) -> tuple[Decimal, dict[str, tuple[Share, ...]], tuple[Fee, ...]]:
    """The figures of a contract from their written form.

    `terms` is [{id, funding: [{funder, share}]}], `fees` [{id, kind, payer, fen | share, floor_fen, cap_fen}]. Raises
    ContractInvalid: a figure that is none, a term twice or none called "standard", shares that do not make one.
    """
    worth = _decimal(fen_per_point, "fen_per_point")
    if worth > 1_000_000:
        raise ContractInvalid(why="fen_per_point")
    read: dict[str, tuple[Share, ...]] = {}
    for term in terms:
        name, funding = str(term["id"]), list(term["funding"])
        shares = tuple(Share(str(one["funder"]), _decimal(one["share"], f"{name}.share")) for one in funding)
        funders = [one.funder for one in shares]
        if not _NAME.fullmatch(name) or name in read:
            raise ContractInvalid(why="terms")
        if not all(map(_FUNDER.fullmatch, funders)) or len(set(funders)) < len(funders):
            raise ContractInvalid(why=f"{name}.funder")
        if sum(one.share for one in shares) != 1:
            raise ContractInvalid(why=f"{name}.share")
        read[name] = shares
    if STANDARD not in read:
        raise ContractInvalid(why="terms")
    rules = tuple(_fee(one) for one in fees)
    if len({one.id for one in rules}) < len(rules):
        raise ContractInvalid(why="fees")
    return worth, read, rules


def period_end(period: Period, day: dt.date) -> dt.date:
    """The last day of the period in which `day` lies."""
    if period is Period.WEEKLY:
        return day + dt.timedelta(days=6 - day.weekday())
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _fee(said: Mapping[str, Any]) -> Fee:
    name, kind, payer = str(said.get("id")), said.get("kind"), str(said.get("payer"))
    if not _NAME.fullmatch(name) or not _FUNDER.fullmatch(payer):
        raise ContractInvalid(why="fees")
    numbers = {key: said.get(key) for key in ("fen", "floor_fen", "cap_fen")}
    if any(n is not None and (not isinstance(n, int) or not 0 <= n <= _MOST_FEN) for n in numbers.values()):
        raise ContractInvalid(why=f"fees.{name}")
    share = None if said.get("share") is None else _decimal(said["share"], f"fees.{name}")
    if kind == "share":
        floor, cap = numbers["floor_fen"], numbers["cap_fen"]
        sound = share is not None and share <= 1 and numbers["fen"] is None
        sound = sound and (floor is None or cap is None or floor <= cap)
    else:
        sound = kind in ("per_capture", "monthly") and numbers["fen"] is not None and share is None
        sound = sound and numbers["floor_fen"] is None and numbers["cap_fen"] is None
    if not sound:
        raise ContractInvalid(why=f"fees.{name}")
    return Fee(name, str(kind), payer, numbers["fen"], share, numbers["floor_fen"], numbers["cap_fen"])


def _decimal(said: Any, where: str) -> Decimal:
    """An exact decimal, not below zero, of at most twelve digits behind the point."""
    try:
        read = Decimal(str(said))
    except InvalidOperation:
        raise ContractInvalid(why=where) from None
    exponent = read.as_tuple().exponent
    if not read.is_finite() or read < 0 or not isinstance(exponent, int) or not -12 <= exponent <= 12:
        raise ContractInvalid(why=where)
    return read
