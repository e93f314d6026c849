"""Tools without a domain word.

Holds    settings and keys, the database, errors, ids, the clock, quantities, paging, idempotency, outbox, access.
Promises one request or task is one transaction, committed before anything is answered;
         every refusal has a stable code and a sentence in Chinese and English.
Ignores  what points, trips, credits or people are.
"""
