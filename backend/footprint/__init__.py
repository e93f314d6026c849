"""Personal footprints: what citizens add up about their own emissions, apart from reductions.

Holds    the footprint kind of pack, entries (computed by a figure of a pack, or stated by the citizen), corrections as
         further rows, and sums by month and category.
Promises nothing here is ever credited, netted against reductions or posted: no ledger account, pool or act knows an entry;
         an item without a usable figure refuses; a computed entry can be computed again; entries are only added, and hold
         no words and nothing that names a person: amounts under the pseudonym.
Ignores  reductions, points and programmes.
"""

from backend import log
from backend.footprint.computing import Emission, emission_of
from backend.footprint.errors import (
    EntryEnded,
    EntryUnknown,
    FactorUnknown,
    ItemUnknown,
    OutsideTime,
    QuantityOutside,
    RegionNeeded,
    TooManyEntries,
)
from backend.footprint.service import Entry, Sum, add, entries_of, state, sums_of, withdraw
from backend.footprint.shape import CATEGORIES, Footprint, Item, current, footprint_of

log.register(
    log.Sealed("footprint_entry", key=("id",)), log.Sealed("footprint_withdrawal", key=("entry_id",))
)

__all__ = [
    "CATEGORIES",
    "Emission",
    "Entry",
    "EntryEnded",
    "EntryUnknown",
    "FactorUnknown",
    "Footprint",
    "Item",
    "ItemUnknown",
    "OutsideTime",
    "QuantityOutside",
    "RegionNeeded",
    "Sum",
    "TooManyEntries",
    "add",
    "current",
    "emission_of",
    "entries_of",
    "footprint_of",
    "state",
    "sums_of",
    "withdraw",
]
