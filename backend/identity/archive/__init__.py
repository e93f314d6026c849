"""Everything that is held about one person, as one archive they can take along.

Holds    which tables say something of a person, under which heading, and which columns are left out and why
         (`contents.toml`).
Promises every table with a participant in it is in the archive or excused there with a reason; coordinates, keys,
         digests and sealed bytes never leave; what the person wrote is opened with their own key.
Ignores  who may ask: the surface asks for a step-up first.
"""

from backend.identity.archive.contents import EXCUSED, TABLES, Table
from backend.identity.archive.service import archive_of

__all__ = ["EXCUSED", "TABLES", "Table", "archive_of"]
