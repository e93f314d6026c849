"""Doors besides the phone, devices, step-up, and changing the phone."""

from backend.kit.migrations.scripts import run_script

revision = "0030_signing"
down_revision = "0029_games"


def upgrade() -> None:
    run_script("0030_signing.sql")
