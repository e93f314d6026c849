"""Budgets of programmes and benefits in money."""

from backend.kit.migrations.scripts import run_script

revision = "0025_earning"
down_revision = "0024_settings"


def upgrade() -> None:
    run_script("0025_earning.sql")
