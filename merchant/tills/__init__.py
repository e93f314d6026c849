"""Tills 收银: who may take points at a shop, and on which device.

Holds    clerks with PINs, tills with keys of their own, shifts, and keys of shops' software (live and sandbox).
Promises a PIN can be tried five times; a till shows that it is itself by a signature that is good once and for a minute; what is
         revoked or suspended is refused from the next request on; a software key is told once and kept as a digest.
Ignores  what is captured.
"""

from merchant.tills.errors import (
    ClerkLabelTaken,
    ClerkUnknown,
    EnrolmentRefused,
    ManagerNeeded,
    PinWeak,
    SoftwareKeyUnknown,
    TillRefused,
    TillUnknown,
    TooManySoftwareKeys,
)
from merchant.tills.letting_in import AtTill
from merchant.tills.service import (
    Clerk,
    Shift,
    Till,
    add_clerk,
    begin,
    clerk_of,
    clerks_of,
    count_pin,
    end,
    enrol,
    forget_old,
    go_on,
    invite_till,
    let_in,
    manager_agrees,
    prove,
    revoke_till,
    set_pin,
    till_of,
    tills_of,
)
from merchant.tills.software import SoftwareKey, key_of, keys_of, make_key, revoke_key

__all__ = [
    "AtTill",
    "Clerk",
    "ClerkLabelTaken",
    "ClerkUnknown",
    "EnrolmentRefused",
    "ManagerNeeded",
    "PinWeak",
    "Shift",
    "SoftwareKey",
    "SoftwareKeyUnknown",
    "Till",
    "TillRefused",
    "TillUnknown",
    "TooManySoftwareKeys",
    "add_clerk",
    "begin",
    "clerk_of",
    "clerks_of",
    "count_pin",
    "end",
    "enrol",
    "forget_old",
    "go_on",
    "invite_till",
    "key_of",
    "keys_of",
    "let_in",
    "make_key",
    "manager_agrees",
    "prove",
    "revoke_key",
    "revoke_till",
    "set_pin",
    "till_of",
    "tills_of",
]
