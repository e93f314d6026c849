"""The right to claim taken back: what of a person's grams leaves the pools, and what stays.

Holds    which pooled acts left their pool because the right to them was taken back, and for which assignment.
Promises grams that no batch has taken leave their pool in the transaction in which the right is revoked, to the gram;
         what a batch holds stays, issued or not; points stay; whoever freezes a batch comes before or after, never between.
Ignores  why somebody takes the right back.
"""

from backend import log
from backend.intake.releasing.service import Released, release, release_late, revoke_right

log.register(log.Sealed("action_released", key=("claim_key",)))

__all__ = ["Released", "release", "release_late", "revoke_right"]
