"""Contracts, what each capture is worth, periods, statements, payouts, disputes."""

from backend.kit.migrations.scripts import run_script

revision = "0037_settlement"
down_revision = "0036_redeeming"


def upgrade() -> None:
    run_script("0037_settlement.sql")
