"""Proof documents (证明): of a log entry, of a serial number, of an act's receipt.

Holds    their shape as JSON (`shape`), what log entries must say for them (`entries`), the checks (`checking`) and the words
         in which failures are told (`words`).
Promises a verdict needs nothing but the document and the log's public key, and tells only what was checked.
Ignores  where proofs come from; pure: no database, no network.
"""

from backend.certification.proofs.checking import (
    ENTRY_BYTES,
    KeyUnreadable,
    PinnedKey,
    Verdict,
    act_digest,
    parse_key,
    verify,
)
from backend.certification.proofs.shape import (
    Inclusion,
    Link,
    LogKey,
    Proof,
    ProofUnreadable,
    Receipt,
    Serial,
    Statement,
    read,
    to_bytes,
    to_json,
)

__all__ = [
    "ENTRY_BYTES",
    "Inclusion",
    "KeyUnreadable",
    "Link",
    "LogKey",
    "PinnedKey",
    "Proof",
    "ProofUnreadable",
    "Receipt",
    "Serial",
    "Statement",
    "Verdict",
    "act_digest",
    "parse_key",
    "read",
    "to_bytes",
    "to_json",
    "verify",
]
