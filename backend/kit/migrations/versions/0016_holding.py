"""Acts held for a decision, withdrawn or trimmed; places of acts for a while."""

from backend.kit.migrations.scripts import run_script

revision = "0016_holding"
down_revision = "0015_operation"


def upgrade() -> None:
    run_script("0016_holding.sql")
