"""A city whose trips are known to be honest or not, written as its partners' files, with the truth in a file apart.

Holds    a map, residents with their cards, accounts and phones, honest days (`honest`), patterns of fraud (`fraud`), and
         the partners that report what they saw by clocks of their own (`feeds`).
Promises the same seed, size and first day give the same bytes; every line of every file has one label; nothing here
         imports the platform, so that no screen's limit can leak into what the screens are measured with.
Ignores  how anything is detected: speeds, gaps and numbers are drawn from what people and cheats do, not from limits.
"""

from simulation.city import City, found
from simulation.fraud import PATTERNS
from simulation.labels import HONEST, NO_ACT, Label, read_labels
from simulation.writing import Feed, Written, write

__all__ = [
    "HONEST",
    "NO_ACT",
    "PATTERNS",
    "City",
    "Feed",
    "Label",
    "Written",
    "found",
    "read_labels",
    "write",
]
