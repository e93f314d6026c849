"""The bridge: a credit leaves the book that issued it and stands, under the same number, in a compliance market's book.

Holds    bridge transfers and the steps that each has taken: locked, deposited, confirmed, or returned.
Promises each step happens once, in a transaction of its own, and the next one follows whatever dies in between;
         at every moment a tonne counts once over both books;
         a live registry takes no demonstration credit, at the lock and again at the deposit; the owner never changes.
Ignores  prices and buyers: ownership moves before or after. What an account in the market may do is the registry's.
"""

from backend import log
from offset_bridge.bridge.errors import AccountMissing, BookNotBridged, BridgeUnknown, NumbersTaken
from offset_bridge.bridge.model import BridgeTransfer, Step, StepName
from offset_bridge.bridge.service import confirm, deposit, lock, transfer_of, transfers_of
from offset_bridge.bridge.sweeping import sweep

log.register(log.Sealed("bridge_transfer", key=("id",)), log.Sealed("bridge_step", key=("bridge_id", "step")))

__all__ = [
    "AccountMissing",
    "BookNotBridged",
    "BridgeTransfer",
    "BridgeUnknown",
    "NumbersTaken",
    "Step",
    "StepName",
    "confirm",
    "deposit",
    "lock",
    "sweep",
    "transfer_of",
    "transfers_of",
]
