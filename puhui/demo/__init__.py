"""The demo city: a small deterministic city on the embedded servers, from an empty database to the audit.

Holds    the city and its month of trips, its partners' files, the people who act, and the account of it all.
Promises every act is done by somebody who may do it, through the interfaces that everybody else has;
         files come in by the same service as `puhui ingest`; the same seed brings the same sums;
         it has a database of its own and leaves the platform's alone.
Ignores  what is not built yet, and says so.
"""
