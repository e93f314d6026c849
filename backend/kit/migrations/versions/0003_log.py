"""The log's entries, nodes, keys, tree heads and seals; kept in `sql/0003_log.sql` so that they read as SQL."""

from backend.kit.migrations.scripts import run_script

revision = "0003_log"
down_revision = "0002_ledger"


def upgrade() -> None:
    run_script("0003_log.sql")
