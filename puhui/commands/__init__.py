"""The commands of `puhui`, one file per group; each file has `register(app)` and imports what is heavy only when it runs."""
