"""Corrections that partners send, and appeals."""

from backend.kit.migrations.scripts import run_script

revision = "0018_corrections"
down_revision = "0017_partner"


def upgrade() -> None:
    run_script("0018_corrections.sql")
