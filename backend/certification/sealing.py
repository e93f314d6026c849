"""What of certification is sealed into the log: every row, for none ever changes."""

from __future__ import annotations

from backend import log

log.register(
    log.Sealed("batch", key=("id",)),
    log.Sealed("batch_leaf", key=("batch_id", "position")),
    log.Sealed("batch_node", key=("batch_id", "revision", "level", "number")),
    log.Sealed("batch_report", key=("batch_id",)),
    log.Sealed("batch_report_certified", key=("batch_id",)),
    log.Sealed("batch_assignment", key=("batch_id", "number")),
    log.Sealed("batch_sample", key=("batch_id", "number")),
    log.Sealed("batch_draw", key=("batch_id", "sample", "draw")),
    log.Sealed("batch_finding", key=("batch_id", "number")),
    log.Sealed("batch_statement", key=("batch_id", "revision")),
    log.Sealed("batch_issuance", key=("batch_id",)),
)
