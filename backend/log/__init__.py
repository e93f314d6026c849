"""The append-only log: entries in a Merkle tree, signed tree heads, proofs.

Holds    entries (what the platform states to the public), the nodes of their RFC 6962 tree, and tree heads signed
         with Ed25519.
Promises an entry is never changed or removed, and indexes have no gap; whoever kept one signed head can
         check that every later one only added to it; a proof takes O(log n) reads.
Ignores  what an entry says: whoever makes a fact writes what others will need to check it.
"""

from backend.log.errors import HeadNotGenuine, HeadNotTrue, OutsideTheTree
from backend.log.heads import Checkpoint, publish, verify_head
from backend.log.queries import Entry, PublicKey, TreeHead, entries, latest_head, size
from backend.log.service import append, append_many, consistency_proof, inclusion_proof

__all__ = [
    "Checkpoint",
    "Entry",
    "HeadNotGenuine",
    "HeadNotTrue",
    "OutsideTheTree",
    "PublicKey",
    "TreeHead",
    "append",
    "append_many",
    "consistency_proof",
    "entries",
    "inclusion_proof",
    "latest_head",
    "publish",
    "size",
    "verify_head",
]
