"""Two accounts that turn out one person's become one.

Holds    which account ended in which other, when, and what showed that both are the same person's.
Promises an account ends once, and never in itself; its phone, doors, means and word are the other's from then on, its
         sessions end, and nobody signs in to it again.
Ignores  what either of them earned or holds: `programmes.joined` moves that.
"""

from backend import log
from backend.identity.joining.errors import NotToBeJoined
from backend.identity.joining.service import join, joined_accounts, survivor_of, which_ends

log.register(log.Sealed("account_join", key=("joined_id",)))

__all__ = ["NotToBeJoined", "join", "joined_accounts", "survivor_of", "which_ends"]
