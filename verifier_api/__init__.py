"""HTTP for staff of verification bodies.

Holds    the endpoints under `/verifier/v1`.
Promises nothing but translation: rules live in the core.
Ignores  tables; it owns none.
"""
