"""Contracts 合同: what a programme and a merchant agreed, edition by edition.

Holds    editions: what a point is worth in fen, who funds a capture by which share, fee rules, the period of settlement, and
         the account that is paid, sealed.
Promises an edition is what two people of the operator agreed to and never changes; a later one begins on a day to come, so
         what was captured keeps its worth; at most one is in force for a merchant and a programme.
Ignores  offers, captures and money: they ask here.
"""

from backend import log
from merchant.contracts.errors import ContractInvalid, ContractTermUnknown, ContractUnknown, NoContract
from merchant.contracts.model import (
    MERCHANT,
    STANDARD,
    Account,
    Edition,
    Fee,
    Period,
    Share,
    parse,
    period_end,
)
from merchant.contracts.service import (
    CONTRACT,
    account_of,
    approve,
    edition_of,
    editions_of,
    editions_of_programme,
    in_force,
    propose,
    reject,
)

log.register(log.Sealed("contract_edition", key=("id",)))

__all__ = [
    "CONTRACT",
    "MERCHANT",
    "STANDARD",
    "Account",
    "ContractInvalid",
    "ContractTermUnknown",
    "ContractUnknown",
    "Edition",
    "Fee",
    "NoContract",
    "Period",
    "Share",
    "account_of",
    "approve",
    "edition_of",
    "editions_of",
    "editions_of_programme",
    "in_force",
    "parse",
    "period_end",
    "propose",
    "reject",
]
