"""Offers and their stock, redemptions, their codes and ends, and the two hot verbs."""

from backend.kit.migrations.scripts import run_script

revision = "0010_merchant"
down_revision = "0009_serials"


def upgrade() -> None:
    run_script("0010_merchant.sql")
