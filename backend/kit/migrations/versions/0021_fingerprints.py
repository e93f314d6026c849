"""Fingerprints of time buckets that platforms exchange."""

from backend.kit.migrations.scripts import run_script

revision = "0021_fingerprints"
down_revision = "0020_screens"


def upgrade() -> None:
    run_script("0021_fingerprints.sql")
