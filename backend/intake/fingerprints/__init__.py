"""Double claims across platforms that may not share identities, tested on keyed fingerprints of time buckets.

Holds    agreements of two platforms as read, files of fingerprints, comparisons, and the external claims that they noted
         with what people decided of them.
Promises no phone or card number leaves the identity room, and no fingerprint can be made without the key of its
         exchange; how many matches chance alone explains is computed and told with every result; a match withdraws
         nothing: a person decides, once, with a reason.
Ignores  how files travel, and who keeps the exchange key.
"""

from backend.intake.fingerprints import sealing  # noqa: F401 - its tables are sealed wherever it is known
from backend.intake.fingerprints.agreement import Agreement, ExchangeKey, read_agreement, read_key
from backend.intake.fingerprints.deciding import ExternalClaim, Outcome, claim_of, decide, list_claims
from backend.intake.fingerprints.errors import (
    AgreementFaulty,
    ExchangeKeyFaulty,
    ExternalClaimDecided,
    ExternalClaimUnknown,
    FingerprintsUnreadable,
    NumbersFaulty,
    OtherAgreement,
    OtherKey,
    OwnFingerprints,
)
from backend.intake.fingerprints.rates import Rates
from backend.intake.fingerprints.service import Exported, Matched, export, match

__all__ = [
    "Agreement",
    "AgreementFaulty",
    "ExchangeKey",
    "ExchangeKeyFaulty",
    "Exported",
    "ExternalClaim",
    "ExternalClaimDecided",
    "ExternalClaimUnknown",
    "FingerprintsUnreadable",
    "Matched",
    "NumbersFaulty",
    "OtherAgreement",
    "OtherKey",
    "Outcome",
    "OwnFingerprints",
    "Rates",
    "claim_of",
    "decide",
    "export",
    "list_claims",
    "match",
    "read_agreement",
    "read_key",
]
