"""Guardians, leaving, exports, and who looked at whom."""

from backend.kit.migrations.scripts import run_script

revision = "0031_privacy"
down_revision = "0030_signing"


def upgrade() -> None:
    run_script("0031_privacy.sql")
