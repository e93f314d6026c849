"""Suspension 暂停: an operator stops a merchant, a shop or a till, and lets it go on.

Holds    the steps, each with its reason and who took it; the last one of a subject counts.
Promises one person suspends at once; another one lets it go on, and nobody of the merchant itself does either; what stands
         suspended captures nothing and asks no citizen, whoever scans, from the next scan on; a merchant that stands suspended
         is given no new holds. Holds that stand can be dropped, refunds and settlement go on.
Ignores  the merchant's own closing of shops, revoking of tills and suspending of clerks.
"""

from backend import log
from merchant.suspension.errors import (
    MerchantSuspended,
    NotSuspended,
    ResumedByTheSame,
    ShopSuspended,
    SuspendedAlready,
    SuspensionOfOneself,
    SuspensionSubjectUnknown,
    TillSuspended,
)
from merchant.suspension.service import Kind, Step, Suspension, history, resume, standing, suspend

log.register(log.Sealed("suspension", key=("subject_id", "number")))

__all__ = [
    "Kind",
    "MerchantSuspended",
    "NotSuspended",
    "ResumedByTheSame",
    "ShopSuspended",
    "Step",
    "SuspendedAlready",
    "Suspension",
    "SuspensionOfOneself",
    "SuspensionSubjectUnknown",
    "TillSuspended",
    "history",
    "resume",
    "standing",
    "suspend",
]
