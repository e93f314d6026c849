"""Acts that take two people.

Holds    proposals and decisions: kind, fingerprint of what was shown, who proposed, who decided, when.
Promises the two differ (the database refuses otherwise), both have the kind's role when they act, a proposal is
         decided at most once and before it expires, and the decision is about exactly what was proposed.
Ignores  what the acts do: the noun that owns the kind does it in the transaction of the approval.
"""

from backend import log
from backend.identity.approvals.errors import (
    ActDecidedAlready,
    ActExpired,
    ActNeedsRole,
    ActNeedsSecondPerson,
    ActShownDiffers,
    ActUnknown,
)
from backend.identity.approvals.service import act, approve, open_acts, propose, reject, sha256_of
from backend.identity.approvals.tables import ActKind, Decision, TwoPersonAct

log.register(log.Sealed("two_person_act", key=("id",)), log.Sealed("two_person_decision", key=("act_id",)))

__all__ = [
    "ActDecidedAlready",
    "ActExpired",
    "ActKind",
    "ActNeedsRole",
    "ActNeedsSecondPerson",
    "ActShownDiffers",
    "ActUnknown",
    "Decision",
    "TwoPersonAct",
    "act",
    "approve",
    "open_acts",
    "propose",
    "reject",
    "sha256_of",
]
