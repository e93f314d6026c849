"""Offers and their stock, redemptions, their codes and ends, the two hot verbs; a shorter way of capturing a hold."""

from backend.kit.migrations.scripts import run_script

revision = "0010_merchant"
down_revision = "0009_serials"


def upgrade() -> None:
    run_script("0010_capture.sql")
    run_script("0010_merchant.sql")
