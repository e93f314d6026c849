"""The codes of a programme's accounts; intake's set-based SQL builds them by the same functions and formats.

The third part of every code below that has a programme in the middle is the programme: figures are grouped by it.
"""

from __future__ import annotations

import datetime as dt
import re
from uuid import UUID

from backend.ledger import AccountSpec

NEVER = "never"  # sorts after every date, so points without an expiry are drawn last
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def wallet(participant_id: UUID, programme: str, expires_on: dt.date | None) -> AccountSpec:
    """A lot: the points of one participant and programme that lapse after one day. It is due that day."""
    return AccountSpec(owned("wallet", participant_id, programme, day_or_never(expires_on)), due=expires_on)


def wallet_prefix(participant_id: UUID, programme: str) -> str:
    """What the codes of all lots of one participant and programme begin with; the expiry date follows."""
    return f"{owned('wallet', participant_id, programme)}:"


def pending_prefix(participant_id: UUID, programme: str) -> str:
    """What the codes begin with of lots that wait to be collected; the day they are ripe and the last day follow."""
    return f"{owned('pending', participant_id, programme)}:"


def owned(kind: str, participant_id: UUID, programme: str, suffix: str = "") -> str:
    """The code of an account of one participant and programme; `suffix` tells its lots apart."""
    return f"{kind}:{participant_id}:{part(programme)}" + (f":{suffix}" if suffix else "")


def day_or_never(day: dt.date | None) -> str:
    """A day as codes have it."""
    return NEVER if day is None else day.isoformat()


def hold(participant_id: UUID, programme: str) -> AccountSpec:
    """What a participant has set aside for redemptions under way."""
    return AccountSpec(f"hold:{participant_id}:{part(programme)}")


def debt(participant_id: UUID, programme: str) -> AccountSpec:
    """What a participant owes after a clawback beyond the balance."""
    return AccountSpec(f"debt:{participant_id}:{part(programme)}")


def issuer(programme: str) -> AccountSpec:
    """Where a programme's points come from."""
    return AccountSpec(f"issuer:{part(programme)}")


def breakage(programme: str) -> AccountSpec:
    """Where points go that lapsed."""
    return AccountSpec(f"breakage:{part(programme)}")


def payable(merchant: str, programme: str) -> AccountSpec:
    """What a merchant is owed by one programme's operator: programmes settle apart, each for its own points."""
    return AccountSpec(f"payable:{part(merchant)}:{part(programme)}")


def redeemed(programme: str) -> AccountSpec:
    """Points of a programme that were paid out to merchants."""
    return AccountSpec(f"redeemed:{part(programme)}")


def spent(programme: str) -> AccountSpec:
    """Points that were spent with a programme itself."""
    return AccountSpec(f"spent:{part(programme)}")


def subsidy(programme: str) -> AccountSpec:
    """Where a programme's benefits in money come from."""
    return AccountSpec(f"subsidy:{part(programme)}")


def forgone(programme: str) -> AccountSpec:
    """Where benefits go that lapsed, or could not be taken back."""
    return AccountSpec(f"forgone:{part(programme)}")


def paid_out(programme: str) -> AccountSpec:
    """Benefits of a programme that were paid out."""
    return AccountSpec(f"paid_out:{part(programme)}")


def benefit_prefix(participant_id: UUID, programme: str) -> str:
    """What the codes of a participant's benefits in money begin with; their last day follows."""
    return f"{owned('benefit', participant_id, programme)}:"


def overpaid(participant_id: UUID, programme: str) -> AccountSpec:
    """What a participant owes of benefits in money."""
    return AccountSpec(owned("overpaid", participant_id, programme))


def measured(programme: str) -> AccountSpec:
    """Where the grams of a programme's acts come from."""
    return AccountSpec(f"measured:{part(programme)}")


def pool_prefix(project: str) -> str:
    """What the codes of a project's pools begin with; methodology and vintage month follow."""
    return f"pool:{part(project)}:"


def uncredited_prefix(programme: str) -> str:
    """What the codes of a programme's grams that may not be credited begin with; the reason follows."""
    return f"uncredited:{part(programme)}:"


def programme_of(code: str) -> str:
    """The programme in the code of a wallet, hold, debt, payable, or of an account that only has a programme."""
    parts = code.split(":")
    return parts[2] if len(parts) > 2 else parts[1]


def part(text: str) -> str:
    """A part of a code: a colon inside would name another account."""
    if not _PART.fullmatch(text):
        raise ValueError(f"not usable in an account code: {text!r}")
    return text
