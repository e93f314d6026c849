"""What of the exchanges is sealed into the log: all of it."""

from __future__ import annotations

from backend import log

log.register(
    log.Sealed("fingerprint_match", key=("id",)),
    log.Sealed("external_claim", key=("claim_key", "platform")),
    log.Sealed("external_claim_decision", key=("id",)),
)
