"""What anybody may ask: the log, and where every serial number comes from and where it went.

Holds    `/public/v1`, and what was read out of the log to answer quickly: events of serial numbers, where each
         number stands, the entries of each batch.
Promises nothing is told that is not in the log, and each answer names the entries that it rests on; what was read can
         be thrown away and read again; no run of fewer than ten acts is shown, and an act only to who has its receipt.
Ignores  every other noun's tables: whoever makes a fact writes into its log entry what is needed here.
"""

from backend.transparency.errors import (
    BatchUnknown,
    EntryUnknown,
    NothingSigned,
    ReceiptNotGenuine,
    SerialUnknown,
)
from backend.transparency.following import catch_up, rebuild
from backend.transparency.model import Batch, Found, Story, Totals
from backend.transparency.printed import parsed, printed
from backend.transparency.provenance import batch_of, batches, search, story, totals
from backend.transparency.queries import Filter
from backend.transparency.telling import Status

__all__ = [
    "Batch",
    "BatchUnknown",
    "EntryUnknown",
    "Filter",
    "Found",
    "NothingSigned",
    "ReceiptNotGenuine",
    "SerialUnknown",
    "Status",
    "Story",
    "Totals",
    "batch_of",
    "batches",
    "catch_up",
    "parsed",
    "printed",
    "rebuild",
    "search",
    "story",
    "totals",
]
