"""Closing an account: what becomes of all that is in it, told before and done once.

Holds    which accounts their holders closed; and who takes part: every noun that keeps something for a person registers
         a `Part` that tells what would become of it, and does it.
Promises an account closes once, in one transaction with everything that its parts do and with the erasure of the person;
         ledger, acts and proofs stay whole under a pseudonym that leads to nobody.
Ignores  what the parts keep.
"""

from backend import log
from backend.identity.closing import groups
from backend.identity.closing.errors import AccountClosed
from backend.identity.closing.service import Facts, Part, close, parts, register, told

log.register(log.Sealed("account_closed", key=("participant_id",)))

__all__ = ["AccountClosed", "Facts", "Part", "close", "groups", "parts", "register", "told"]
