"""The schema's history, one revision per noun and change, never edited after a release."""
