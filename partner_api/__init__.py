"""Partners' HTTP interface, `/partner/v1`: translation only, owns no table.

Holds    who I am and what I may send; the sandbox's clock; what partners send.
Promises every request is signed (RFC 9421, Ed25519), taken once, and counted; a partner sees its own rows and nobody else's;
         what a key of the sandbox signs reaches no book.
Ignores  rules and SQL: those are the facades' of `backend`.
"""

from partner_api.app import build

__all__ = ["build"]
