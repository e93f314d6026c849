"""Books of serial numbers, blocks and their movements; further kinds of account."""

from backend.kit.migrations.scripts import run_script

revision = "0009_serials"
down_revision = "0008_intake"


def upgrade() -> None:
    run_script("0009_serials.sql")
