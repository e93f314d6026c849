"""Staff's HTTP interface, `/operator/v1`: translation only, owns no table.

Holds    staff sign-in, admissions, participants and partners' lists, sources and jobs, programmes and their figures,
         methodologies and their filing.
Promises every operation but sign-in needs a staff token and says in its signature which roles may ask;
         what a suspended person's token asks is refused from the next request on.
Ignores  rules and SQL: those are the facades' of `backend`.
"""

from operator_api.app import build

__all__ = ["build"]
