"""The verification bodies' HTTP interface, `/verifier/v1`: translation only, owns no table.

Holds    staff sign-in; assigned batches with their reports; samples, evidence, findings and statements.
Promises every operation but sign-in needs a token of a verification body's staff; a batch that is not assigned to the
         body is unknown; nothing here tells of a person.
Ignores  rules and SQL: those are the facades' of `backend`.
"""

from verifier_api.app import build

__all__ = ["build"]
