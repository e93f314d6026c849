"""The append-only log: entries in a Merkle tree, signed tree heads, proofs.

Holds    entries (what the platform states to the public), the nodes of their RFC 6962 tree, tree heads signed with
         Ed25519, and the seals: blocks of other nouns' rows, whose roots are entries.
Promises an entry is never changed or removed, and indexes have no gap; whoever kept one signed head can
         check that every later one only added to it; a proof takes O(log n) reads;
         every row of a registered table is sealed once its transaction is finished, missing none.
Ignores  what an entry says: whoever makes a fact writes what others will need to check it.
"""

from backend.kit.checks import Violation
from backend.log.coverage import Coverage, coverage, sealed_since
from backend.log.errors import (
    HeadNotGenuine,
    HeadNotTrue,
    NotSealable,
    OutsideTheTree,
    SealOutOfOrder,
    ServerWentBack,
    SigningKeyChanged,
    SigningKeyRetired,
)
from backend.log.heads import Checkpoint, publish, rotate, signer, verify_head
from backend.log.queries import (
    Entry,
    PublicKey,
    TreeHead,
    entries,
    entries_at,
    latest_head,
    size,
)
from backend.log.sealing import Sealed, changing, register, registered, seal_all, seal_and_publish
from backend.log.sealing_queries import Block
from backend.log.service import (
    append,
    append_many,
    consistency_proof,
    inclusion_proof,
    public_keys,
    root,
    signed_head,
    signed_heads,
)
from backend.log.verification import verify, verify_coverage, verify_log, verify_seals

__all__ = [
    "Block",
    "Checkpoint",
    "Coverage",
    "Entry",
    "HeadNotGenuine",
    "HeadNotTrue",
    "NotSealable",
    "OutsideTheTree",
    "PublicKey",
    "SealOutOfOrder",
    "Sealed",
    "ServerWentBack",
    "SigningKeyChanged",
    "SigningKeyRetired",
    "TreeHead",
    "Violation",
    "append",
    "append_many",
    "changing",
    "consistency_proof",
    "coverage",
    "entries",
    "entries_at",
    "inclusion_proof",
    "latest_head",
    "public_keys",
    "publish",
    "register",
    "registered",
    "root",
    "rotate",
    "seal_all",
    "seal_and_publish",
    "sealed_since",
    "signed_head",
    "signed_heads",
    "signer",
    "size",
    "verify",
    "verify_coverage",
    "verify_head",
    "verify_log",
    "verify_seals",
]
