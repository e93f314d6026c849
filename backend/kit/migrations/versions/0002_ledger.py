"""The ledger's chart, accounts, transfers and functions; kept in `sql/0002_ledger.sql` so that they read as SQL."""

from backend.kit.migrations.scripts import run_script

revision = "0002_ledger"
down_revision = "0001_kit"


def upgrade() -> None:
    run_script("0002_ledger.sql")
