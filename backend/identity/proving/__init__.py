"""Which accounts are the same natural person's, as a provider of real names says.

Holds    keyed digests of what a provider answered for an account; never a name, never a number.
Promises a person redeems from one account: where two open ones are proved to be one person's, from the one that was
         proved first; proving the same account again with a provider changes nothing, and another subject is refused.
Ignores  how accounts become one: `joining` does that, and lifts the bar.

The SQL function `redeemable(participant)` is what verbs that spend ask.
"""

from backend import log
from backend.identity.proving.adapter import Relay, default_real_names
from backend.identity.proving.errors import (
    AnotherPerson,
    Because,
    NotRedeemable,
    ProofRefused,
    ProviderUnknown,
    RealNamesUnavailable,
)
from backend.identity.proving.service import (
    Proof,
    Proved,
    RealNames,
    barred,
    may_redeem,
    proofs_of,
    prove,
    require_redeemable,
)

log.register(log.Sealed("person_proof", key=("id",)))

__all__ = [
    "AnotherPerson",
    "Because",
    "NotRedeemable",
    "Proof",
    "ProofRefused",
    "Proved",
    "ProviderUnknown",
    "RealNames",
    "RealNamesUnavailable",
    "Relay",
    "barred",
    "default_real_names",
    "may_redeem",
    "proofs_of",
    "prove",
    "require_redeemable",
]
