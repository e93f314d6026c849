"""Contracts as they are asked for and told."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from backend.kit.schemas import Asked, Code, Told
from merchant.contracts.model import Edition, Period

Decimals = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,7}(\.[0-9]{1,12})?$")]
Funder = Annotated[
    str, StringConstraints(pattern=r"^(programme|government|merchant|partner:[a-z0-9][a-z0-9-]{1,62})$")
]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
Fen = Annotated[int, Field(ge=0, le=10**12)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]


class ShareAsked(Asked):
    """A funder's share, an exact decimal. `merchant` is the merchant's own concession: nobody pays it."""

    funder: Funder
    share: Decimals


class TermAsked(Asked):
    """Who funds a capture; shares make one. What is left after rounding down goes to the funder named first."""

    id: Name = "standard"
    funding: list[ShareAsked] = Field(min_length=1, max_length=10)


class FeeAsked(Asked):
    """A fee: `fen` per capture or month, or a `share` of what is paid, between `floor_fen` and `cap_fen`."""

    id: Name
    kind: Literal["per_capture", "share", "monthly"]
    payer: Funder
    fen: Fen | None = None
    share: Decimals | None = None
    floor_fen: Fen | None = None
    cap_fen: Fen | None = None


class AccountAsked(Asked):
    """The bank account that is paid. It is sealed, and told again only by its last four digits."""

    holder: Words
    bank: Words
    number: Annotated[str, StringConstraints(pattern=r"^[0-9]{8,30}$")]


class ContractAsked(Asked):
    """An edition that a second person is to agree to."""

    merchant: Code
    fen_per_point: Decimals
    terms: list[TermAsked] = Field(min_length=1, max_length=50)
    fees: list[FeeAsked] = Field(default=[], max_length=20)
    period: Period = Period.MONTHLY
    valid_from: date
    valid_until: date | None = None
    account: AccountAsked | None = None


class ShareTold(Told):
    """A funder's share."""

    funder: str
    share: str


class TermTold(Told):
    """Who funds a capture."""

    id: str
    funding: list[ShareTold]


class EditionTold(Told):
    """An edition in full; `account_tail` is the end of the account that is paid."""

    id: UUID
    merchant_id: UUID
    programme: str
    edition: int
    valid_from: date
    valid_until: date | None
    period: Period
    fen_per_point: str
    terms: list[TermTold]
    fees: list[dict[str, Any]]
    account_tail: str | None
    agreed_at: datetime

    @classmethod
    def of(cls, one: Edition) -> EditionTold:
        return cls(
            id=one.id,
            merchant_id=one.merchant_id,
            programme=one.programme,
            edition=one.edition,
            valid_from=one.valid_from,
            valid_until=one.valid_until,
            period=one.period,
            fen_per_point=f"{one.fen_per_point:f}",
            terms=[
                TermTold(
                    id=name,
                    funding=[ShareTold(funder=share.funder, share=f"{share.share:f}") for share in shares],
                )
                for name, shares in one.terms.items()
            ],
            fees=[fee.as_body() for fee in one.fees],
            account_tail=one.account_tail,
            agreed_at=one.agreed_at,
        )
