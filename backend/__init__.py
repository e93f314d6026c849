"""The core that every tier stands on: ledger, rules, people, acts, proofs."""
