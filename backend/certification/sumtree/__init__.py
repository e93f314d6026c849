"""Merkle-sum trees over grams (求和树), and which grams of them are which tonne.

Holds    leaves and their hashes (`leaves`), the tree and what is stored of it (`tree`), proofs of places and ranges
         (`openings`), and the way from frozen grams to tonnes and back (`tonnes`).
Promises a root binds every sum below it; a proof is verified with the root and the leaf count alone; pure: no database, no clock.
Ignores  what a leaf stands for.
"""

from backend.certification.sumtree.leaves import (
    DIGEST_BYTES,
    EMPTY,
    MAX_SUM,
    Leaf,
    LeafInvalid,
    Leaves,
    Node,
    OutsideTheLeaves,
    StoredTreeDiffers,
    SumNotProven,
    SumOverflows,
    SumRoot,
    leaf_hash,
    node_hash,
    parent,
    top_level,
    width,
)
from backend.certification.sumtree.openings import (
    Covered,
    Nodes,
    Opened,
    Opening,
    find,
    prove_leaf,
    prove_leaves,
    prove_range,
    verify_opening,
    verify_range,
)
from backend.certification.sumtree.tree import (
    CHUNK_LEAVES,
    CHUNK_LEVEL,
    Part,
    Place,
    Tree,
    UpperNode,
    needed,
    root_of,
    upper_nodes,
)

__all__ = [
    "CHUNK_LEAVES",
    "CHUNK_LEVEL",
    "DIGEST_BYTES",
    "EMPTY",
    "MAX_SUM",
    "Covered",
    "Leaf",
    "LeafInvalid",
    "Leaves",
    "Node",
    "Nodes",
    "Opened",
    "Opening",
    "OutsideTheLeaves",
    "Part",
    "Place",
    "StoredTreeDiffers",
    "SumNotProven",
    "SumOverflows",
    "SumRoot",
    "Tree",
    "UpperNode",
    "find",
    "leaf_hash",
    "needed",
    "node_hash",
    "parent",
    "prove_leaf",
    "prove_leaves",
    "prove_range",
    "root_of",
    "top_level",
    "upper_nodes",
    "verify_opening",
    "verify_range",
    "width",
]
