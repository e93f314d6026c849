"""Credits in the hands of their holders, in the books that issued them.

Holds    transfers of credits between holders and their cancellation for a holder's own purpose; what is held is the
         ledger's.
Promises a number passes on, or is given up, by whoever holds it and by nobody else; both are in the log;
         what was cancelled never moves again.
Ignores  compliance markets; how credits came to be issued.
"""

from backend import log
from offset_bridge.credits.errors import BookUnknown, TakerCannotHold, TransferToOneself
from offset_bridge.credits.service import (
    CreditCancellation,
    CreditTransfer,
    Holding,
    cancel,
    holdings,
    transfer,
)

log.register(log.Sealed("credit_transfer", key=("id",)), log.Sealed("credit_cancellation", key=("id",)))

__all__ = [
    "BookUnknown",
    "CreditCancellation",
    "CreditTransfer",
    "Holding",
    "TakerCannotHold",
    "TransferToOneself",
    "cancel",
    "holdings",
    "transfer",
]
