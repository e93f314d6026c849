"""Merchants' applications, shops, clerks, tills and keys of their software."""

from backend.kit.migrations.scripts import run_script

revision = "0034_shops"
down_revision = "0033_inbox"


def upgrade() -> None:
    run_script("0034_shops.sql")
