"""Codes to type, confirmations, scans, refunds in parts."""

from backend.kit.migrations.scripts import run_script

revision = "0036_redeeming"
down_revision = "0035_catalogue"


def upgrade() -> None:
    run_script("0036_redeeming.sql")
