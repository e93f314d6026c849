"""A partner's sandbox: the same reading, computing and answers as the real thing, and nothing of it reaches a book.

Holds    the moment at which each sandbox stands, and keyed digests of the acts that it took, for a month.
Promises an event is read by the source's own mapping and computed by its programme's own rules; sent again it is a
         duplicate, with other facts a conflict, within this partner's sandbox and by nothing outside it; no account, action, job
         or log entry is ever written; documented texts force each answer.
Ignores  who holds a means, and what other partners claimed: nobody lives in a sandbox.
"""

from backend.intake.sandbox.errors import SandboxBusy, SandboxQuotaReached
from backend.intake.sandbox.magic import MAGIC
from backend.intake.sandbox.service import clock_of, forget_old, reset, set_clock, take

__all__ = [
    "MAGIC",
    "SandboxBusy",
    "SandboxQuotaReached",
    "clock_of",
    "forget_old",
    "reset",
    "set_clock",
    "take",
]
