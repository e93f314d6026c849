"""What of intake is sealed into the log: everything that is only ever added."""

from __future__ import annotations

from backend import log

log.register(
    log.Sealed("action", key=("claim_key",)),
    log.Sealed("action_claim", key=("claim_key",)),
    log.Sealed("intake_chunk", key=("id",)),
    log.Sealed("intake_source", key=("id",)),
)
