"""Rule packs: law and science as data, read with the line of every fault.

Holds    the reader of pack files and its checks, the formula language with its exact evaluators, units, editions,
         overlays, the market packs, and the stored text of every pack that was used.
Promises a faulty pack is never used, and all its faults are listed with file, line and key;
         no figure is ever a float; an unknown figure refuses when it is used and is never guessed;
         exactly one edition answers for a day or a year; a pack is known by the SHA-256 of its bytes.
Ignores  what a methodology or a programme is: those nouns register their kinds of pack.
"""

from backend.packs.errors import (
    AmbiguousEdition,
    NoEdition,
    OutsideJurisdiction,
    OverlayOversteps,
    PackFaulty,
    PackUnknown,
    ParameterUnknown,
)
from backend.packs.faults import Fault
from backend.packs.listing import Listed, listed
from backend.packs.market_shape import PROJECT_TYPES
from backend.packs.markets import Market, MarketEdition, Use, UseVerdict, check_use, market_of
from backend.packs.overlays import Overlay, overlay_of
from backend.packs.pack import (
    ENGINE_VERSION,
    Library,
    Pack,
    builtin_root,
    check_references,
    files_below,
    gather,
    load,
    load_all,
    parse,
)
from backend.packs.store import recall, store, verify

__all__ = [
    "ENGINE_VERSION",
    "PROJECT_TYPES",
    "AmbiguousEdition",
    "Fault",
    "Library",
    "Listed",
    "Market",
    "MarketEdition",
    "NoEdition",
    "OutsideJurisdiction",
    "Overlay",
    "OverlayOversteps",
    "Pack",
    "PackFaulty",
    "PackUnknown",
    "ParameterUnknown",
    "Use",
    "UseVerdict",
    "builtin_root",
    "check_references",
    "check_use",
    "files_below",
    "gather",
    "listed",
    "load",
    "load_all",
    "market_of",
    "overlay_of",
    "parse",
    "recall",
    "store",
    "verify",
]
