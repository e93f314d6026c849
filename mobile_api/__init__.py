"""Citizens' HTTP interface, `/mobile/v1`: translation only, owns no table.

Holds    sign-in, means, consent and the assigned right, acts and how they were computed, home, wallet.
Promises every operation but sign-in needs a citizen's token; whatever is not this citizen's own answers 404.
Ignores  rules and SQL: those are the facades' of `backend`.
"""

from mobile_api.app import build

__all__ = ["build"]
