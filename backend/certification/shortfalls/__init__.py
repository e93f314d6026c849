"""What is missing because an act was withdrawn after its grams were certified, and how that is made good.

Holds    shortfalls (withdrawn acts that stand in an issued batch), what of statements deducts them, compulsory
         cancellations, and which of these made good how many grams of what.
Promises a withdrawal notes what it leaves missing in its own transaction, and never while the series is being frozen,
         stated or issued; every missing gram is made good once, the older first, by the next batches of its series or
         by tonnes that the operator loses; what neither covers stays a debt under the operator's name, which blocks
         issuance and bridging.
Ignores  why an act was withdrawn, and what becomes of its points; who bought the credits.
"""

from backend import log
from backend.certification.shortfalls.cancelling import cancel, cancel_overdue, cancellations
from backend.certification.shortfalls.covering import correct, cover, open_g
from backend.certification.shortfalls.debts import debts, refuse_debtor, require_issuable, shortfalls
from backend.certification.shortfalls.errors import (
    CorrectionsOwed,
    NothingHeld,
    NothingOwed,
    ShortfallUnknown,
    StatementOutdated,
)
from backend.certification.shortfalls.model import Cancellation, Debt, Shortfall
from backend.certification.shortfalls.recording import answer_for, held_by_batches
from backend.intake import holding

log.register(
    log.Sealed("certification_shortfall", key=("claim_key",)),
    log.Sealed("certification_correction", key=("batch_id", "revision")),
    log.Sealed("certification_cancellation", key=("id",)),
    log.Sealed("certification_cover", key=("claim_key", "number")),
)
holding.register_keeper(answer_for)
holding.register_holder(held_by_batches)

__all__ = [
    "Cancellation",
    "CorrectionsOwed",
    "Debt",
    "NothingHeld",
    "NothingOwed",
    "Shortfall",
    "ShortfallUnknown",
    "StatementOutdated",
    "answer_for",
    "cancel",
    "cancel_overdue",
    "cancellations",
    "correct",
    "cover",
    "debts",
    "open_g",
    "refuse_debtor",
    "require_issuable",
    "shortfalls",
]
